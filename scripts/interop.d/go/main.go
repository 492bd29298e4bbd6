// Judges a live log with golang.org/x/mod/sumdb: checkpoint signature, inclusion and consistency, from its tiles and from the
// proofs that the registry makes itself. Each check is done once more on damaged bytes and must then fail.
package main

import (
	"encoding/base64"
	"fmt"
	"math/rand"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const samples = 200

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: INTEROP_TOKEN=… interop URL")
		os.Exit(2)
	}
	if err := run(registry{url: os.Args[1], token: os.Getenv("INTEROP_TOKEN")}); err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}

func run(r registry) error {
	verifier, err := r.verifier()
	if err != nil {
		return err
	}
	signed, err := r.get("/log/checkpoint")
	if err != nil {
		return err
	}
	tree, err := checkCheckpoint(signed, verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Printf("ok  go sumdb/note: checkpoint signature  size %d\n", tree.N)
	entries, err := r.entries(tree.N)
	if err != nil {
		return err
	}
	log := judged{registry: r, verifier: verifier, tree: tree, entries: entries}
	for _, check := range []struct {
		name string
		run  func() (int, error)
	}{
		{"go sumdb/tlog: inclusion from tiles", log.inclusion},
		{"go sumdb/tlog: consistency from tiles", log.consistency},
		{"go sumdb/tlog: the registry's inclusion proofs", log.receipts},
		{"go sumdb/tlog: the registry's consistency proofs", log.served},
		{"go sumdb/tlog: a damaged tile is noticed", log.damagedTile},
	} {
		count, err := check.run()
		if err != nil {
			return fmt.Errorf("%s: %w", check.name, err)
		}
		fmt.Printf("ok  %s  %d\n", check.name, count)
	}
	return nil
}

func checkCheckpoint(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	damaged := []byte(strings.Replace(string(signed), "\n", "0\n", 2))
	if _, err := openCheckpoint(damaged, verifier); err == nil {
		return tlog.Tree{}, fmt.Errorf("a damaged checkpoint verifies")
	}
	return openCheckpoint(signed, verifier)
}

type judged struct {
	registry registry
	verifier note.Verifier
	tree     tlog.Tree
	entries  [][]byte
}

func (l judged) reader() tlog.HashReader {
	return tlog.TileHashReader(l.tree, &tiles{registry: l.registry, kept: map[string][]byte{}})
}

func (l judged) inclusion() (int, error) {
	reader := l.reader()
	for range samples {
		index := rand.Int63n(l.tree.N)
		proof, err := tlog.ProveRecord(l.tree.N, index, reader)
		if err != nil {
			return 0, err
		}
		if err := l.checkRecord(proof, l.tree, index); err != nil {
			return 0, err
		}
	}
	return samples, nil
}

// An entry must be in the tree, and the same entry with one bit flipped must not.
func (l judged) checkRecord(proof tlog.RecordProof, tree tlog.Tree, index int64) error {
	entry := l.entries[index]
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return fmt.Errorf("entry %d of %d: %w", index, tree.N, err)
	}
	damaged := append([]byte(nil), entry...)
	damaged[rand.Intn(len(damaged))] ^= 1
	if tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(damaged)) == nil {
		return fmt.Errorf("entry %d verifies with a flipped bit", index)
	}
	return nil
}

func (l judged) consistency() (int, error) {
	reader := l.reader()
	for range samples {
		newer := 1 + rand.Int63n(l.tree.N)
		older := 1 + rand.Int63n(newer)
		proof, err := tlog.ProveTree(newer, older, reader)
		if err != nil {
			return 0, err
		}
		if err := checkTree(proof, reader, newer, older); err != nil {
			return 0, err
		}
	}
	return samples, nil
}

func checkTree(proof tlog.TreeProof, reader tlog.HashReader, newer, older int64) error {
	newRoot, err := tlog.TreeHash(newer, reader)
	if err != nil {
		return err
	}
	oldRoot, err := tlog.TreeHash(older, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, newer, newRoot, older, oldRoot); err != nil {
		return fmt.Errorf("%d to %d: %w", older, newer, err)
	}
	oldRoot[0] ^= 1
	if tlog.CheckTree(proof, newer, newRoot, older, oldRoot) == nil {
		return fmt.Errorf("%d to %d verifies with another root", older, newer)
	}
	return nil
}

// The receipts of /v1/log/proof: an entry, and a c2sp.org/tlog-proof@v1 with its checkpoint.
func (l judged) receipts() (int, error) {
	for range samples {
		index := rand.Int63n(l.tree.N)
		var receipt struct {
			Index int64  `json:"index"`
			Entry []byte `json:"entry"`
			Proof string `json:"proof"`
		}
		if err := l.registry.getJSON(fmt.Sprintf("/v1/log/proof/%d", index), &receipt); err != nil {
			return 0, err
		}
		head, signed, found := strings.Cut(receipt.Proof, "\n\n")
		lines := strings.Split(head, "\n")
		if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", index) {
			return 0, fmt.Errorf("the proof of entry %d is %q", index, receipt.Proof)
		}
		tree, err := openCheckpoint([]byte(signed), l.verifier)
		if err != nil {
			return 0, err
		}
		proof, err := parseHashes(lines[2:])
		if err != nil {
			return 0, err
		}
		if string(receipt.Entry) != string(l.entries[index]) || receipt.Index != index {
			return 0, fmt.Errorf("the receipt of entry %d has another entry", index)
		}
		if err := l.checkRecord(proof, tree, index); err != nil {
			return 0, err
		}
	}
	return samples, nil
}

// The proofs of /v1/log/consistency.
func (l judged) served() (int, error) {
	reader := l.reader()
	for range samples {
		newer := 1 + rand.Int63n(l.tree.N)
		older := 1 + rand.Int63n(newer)
		var answer struct {
			Hashes []string `json:"hashes"`
		}
		if err := l.registry.getJSON(fmt.Sprintf("/v1/log/consistency?from=%d&to=%d", older, newer), &answer); err != nil {
			return 0, err
		}
		proof, err := parseHashes(answer.Hashes)
		if err != nil {
			return 0, err
		}
		if err := checkTree(proof, reader, newer, older); err != nil {
			return 0, err
		}
	}
	return samples, nil
}

func parseHashes(texts []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		bytes, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(bytes) != tlog.HashSize {
			return nil, fmt.Errorf("%q is no hash", text)
		}
		copy(hashes[i][:], bytes)
	}
	return hashes, nil
}

// One flipped bit in any hash tile must not go unnoticed.
func (l judged) damagedTile() (int, error) {
	damaged := 0
	flip := func(_ string, tile []byte) {
		if damaged == 0 {
			tile[rand.Intn(len(tile))] ^= 1
			damaged++
		}
	}
	reader := tlog.TileHashReader(l.tree, &tiles{registry: l.registry, kept: map[string][]byte{}, damage: flip})
	for index := range l.tree.N {
		if _, err := tlog.ProveRecord(l.tree.N, index, reader); err != nil {
			return damaged, nil
		}
	}
	return 0, fmt.Errorf("a flipped bit in a tile goes unnoticed")
}
