// A witness in Go, and a judge of what the registry then publishes. The protocol's few lines are ours; everything that is
// checked or signed is done by golang.org/x/mod/sumdb (notes, consistency) and transparency-dev/formats (cosignatures).
//
//	witness serve ORIGIN LOG_VKEY NAME       prints "port N" and "key VKEY", then serves until it is ended
//	witness judge URL LOG_VKEY WITNESS_VKEY  reads log/checkpoint with INTEROP_TOKEN and prints its size; fails without cosignature
package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: witness serve ORIGIN LOG_VKEY NAME | judge URL LOG_VKEY WITNESS_VKEY")
		os.Exit(2)
	}
	run := map[string]func(a, b, c string) error{"serve": serve, "judge": judge}[os.Args[1]]
	if run == nil {
		fmt.Fprintln(os.Stderr, "witness: serve or judge")
		os.Exit(2)
	}
	if err := run(os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "witness:", err)
		os.Exit(1)
	}
}

// One log, followed.
type witness struct {
	origin string
	log    note.Verifier
	signer note.Signer

	mu   sync.Mutex
	tree tlog.Tree
}

func serve(origin, logKey, name string) error {
	log, err := note.NewVerifier(logKey)
	if err != nil {
		return err
	}
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	signer, err := cosignature.NewSignerForCosignatureV1(secret)
	if err != nil {
		return err
	}
	key, err := cosignature.VKeyToCosignatureV1(public)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("port %d\nkey %s\n", listener.Addr().(*net.TCPAddr).Port, key)
	mux := http.NewServeMux()
	mux.Handle("POST /add-checkpoint", &witness{origin: origin, log: log, signer: signer})
	return http.Serve(listener, mux)
}

func (w *witness) ServeHTTP(out http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(out, request.Body, 64<<10))
	if err != nil {
		out.WriteHeader(http.StatusBadRequest)
		return
	}
	status, answer := w.addCheckpoint(body)
	if status == http.StatusConflict {
		out.Header().Set("Content-Type", "text/x.tlog.size")
	}
	out.WriteHeader(status)
	out.Write(answer)
}

func (w *witness) addCheckpoint(body []byte) (int, []byte) {
	head, signed, found := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	text, isOld := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(text, 10, 64)
	if !found || !isOld || err != nil {
		return http.StatusBadRequest, nil
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return http.StatusBadRequest, nil
		}
		proof = append(proof, hash)
	}
	if origin, _, _ := bytes.Cut(signed, []byte("\n")); string(origin) != w.origin {
		return http.StatusNotFound, nil
	}
	opened, err := note.Open(signed, note.VerifierList(w.log))
	if err != nil {
		return http.StatusForbidden, nil
	}
	tree, err := parseTree(opened.Text)
	if err != nil || old > tree.N {
		return http.StatusBadRequest, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if old != w.tree.N {
		return http.StatusConflict, fmt.Appendf(nil, "%d\n", w.tree.N)
	}
	if old > 0 && tlog.CheckTree(proof, tree.N, tree.Hash, old, w.tree.Hash) != nil {
		return http.StatusUnprocessableEntity, nil
	}
	w.tree = tree
	cosigned, err := note.Sign(&note.Note{Text: opened.Text}, w.signer)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	return http.StatusOK, cosigned[len(opened.Text)+1:]
}

func parseTree(text string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return tlog.Tree{}, fmt.Errorf("a checkpoint has three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

func judge(url, logKey, witnessKey string) error {
	log, err := note.NewVerifier(logKey)
	if err != nil {
		return err
	}
	seen, err := cosignature.NewVerifierForCosignatureV1(witnessKey)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodGet, url+"/log/checkpoint", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("INTEROP_TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	signed, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(log, seen))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != 2 {
		return fmt.Errorf("%d known signatures, the log's and the witness's were wanted", len(opened.Sigs))
	}
	tree, err := parseTree(opened.Text)
	fmt.Println(tree.N)
	return err
}
