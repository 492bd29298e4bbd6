// The log as Go's implementation of transparency logs sees it: a checkpoint, tiles and entries over HTTP.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A registry and the token that reads it.
type registry struct {
	url   string
	token string
}

func (r registry) get(path string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return body, nil
}

func (r registry) getJSON(path string, into any) error {
	body, err := r.get(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// The verifier of the log's checkpoints, from the keys that the registry publishes.
func (r registry) verifier() (note.Verifier, error) {
	var info struct {
		Origin  string   `json:"origin"`
		LogKeys []string `json:"log_keys"`
	}
	if err := r.getJSON("/v1/registry", &info); err != nil {
		return nil, err
	}
	if len(info.LogKeys) == 0 {
		return nil, fmt.Errorf("the registry names no log key")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(info.LogKeys[0], "ed25519:"))
	if err != nil {
		return nil, err
	}
	text, err := note.NewEd25519VerifierKey(info.Origin, ed25519.PublicKey(key))
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(text)
}

// Verifies a signed checkpoint: its one origin, size and root.
func openCheckpoint(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("the body of the checkpoint is %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

// Reads hash tiles of height 8 and keeps them. A damage function may change what arrives.
type tiles struct {
	registry registry
	kept     map[string][]byte
	damage   func(path string, tile []byte)
}

func (t *tiles) Height() int { return 8 }

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path := "/log/tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		if _, ok := t.kept[path]; !ok {
			body, err := t.registry.get(path)
			if err != nil {
				return nil, err
			}
			if t.damage != nil {
				t.damage(path, body)
			}
			t.kept[path] = body
		}
		read[i] = t.kept[path]
	}
	return read, nil
}

// Every entry of a tree, from its bundles.
func (r registry) entries(size int64) ([][]byte, error) {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := min(size-n*256, 256)
		tile := tlog.Tile{H: 8, L: 0, N: n, W: int(width)}
		bundle, err := r.get("/log/tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/"))
		if err != nil {
			return nil, err
		}
		for len(bundle) > 0 {
			if len(bundle) < 2 {
				return nil, fmt.Errorf("bundle %d ends in the middle of a length", n)
			}
			length := int(bundle[0])<<8 | int(bundle[1])
			if len(bundle) < 2+length {
				return nil, fmt.Errorf("bundle %d ends in the middle of an entry", n)
			}
			all = append(all, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
	}
	if int64(len(all)) != size {
		return nil, fmt.Errorf("the bundles have %d entries, the checkpoint %d", len(all), size)
	}
	return all, nil
}
