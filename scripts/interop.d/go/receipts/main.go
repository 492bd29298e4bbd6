// Judges receipts with transparency-dev: its parser of c2sp.org/tlog-proof@v1, its checkpoints, its inclusion proofs. Each
// receipt is judged once more after every damage, and must then be refused.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	inclusion "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: receipts KEY RECEIPT…")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}

func run(keyFile string, files []string) error {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(string(key))
	if err != nil {
		return err
	}
	for _, file := range files {
		given, err := read(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := given.check(verifier); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for what, damaged := range given.damaged() {
			if damaged.check(verifier) == nil {
				return fmt.Errorf("%s verifies with %s", file, what)
			}
		}
	}
	fmt.Printf("ok  go transparency-dev/formats: receipts, parsed and verified  %d\n", len(files))
	return nil
}

// An entry and the proof that it is in the log.
type receipt struct {
	entry []byte
	proof proof.TLogProof
}

// Reads what `holdfast proof --format json` prints. The text of the proof must be the one way to write it.
func read(file string) (receipt, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return receipt{}, err
	}
	var given struct {
		Index uint64 `json:"index"`
		Entry []byte `json:"entry"`
		Proof string `json:"proof"`
	}
	if err := json.Unmarshal(bytes, &given); err != nil {
		return receipt{}, err
	}
	var parsed proof.TLogProof
	if err := parsed.Unmarshal([]byte(given.Proof)); err != nil {
		return receipt{}, err
	}
	if parsed.Index != given.Index {
		return receipt{}, fmt.Errorf("the receipt of entry %d proves entry %d", given.Index, parsed.Index)
	}
	if again := parsed.Marshal(); string(again) != given.Proof {
		return receipt{}, fmt.Errorf("the proof is %q, and written again %q", given.Proof, again)
	}
	return receipt{entry: given.Entry, proof: parsed}, nil
}

func (r receipt) check(verifier note.Verifier) error {
	checkpoint, _, _, err := log.ParseCheckpoint(r.proof.Checkpoint, verifier.Name(), verifier)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(r.proof.Hashes))
	for i := range r.proof.Hashes {
		hashes[i] = r.proof.Hashes[i][:]
	}
	hasher := rfc6962.DefaultHasher
	leaf := hasher.HashLeaf(r.entry)
	return inclusion.VerifyInclusion(hasher, r.proof.Index, checkpoint.Size, leaf, hashes, checkpoint.Hash)
}

// The same receipt, damaged in each of its parts.
func (r receipt) damaged() map[string]receipt {
	flipped := func(bytes []byte) []byte {
		copied := append([]byte(nil), bytes...)
		copied[len(copied)/2] ^= 1
		return copied
	}
	all := map[string]receipt{"another entry": r, "another index": r, "another checkpoint": r, "a hash less": r, "another hash": r}
	change := func(what string, how func(*receipt)) {
		damaged := all[what]
		damaged.proof.Hashes = append([][32]byte(nil), r.proof.Hashes...)
		how(&damaged)
		all[what] = damaged
	}
	change("another entry", func(d *receipt) { d.entry = flipped(d.entry) })
	change("another index", func(d *receipt) { d.proof.Index ^= 1 })
	change("another checkpoint", func(d *receipt) { d.proof.Checkpoint = flipped(d.proof.Checkpoint) })
	change("a hash less", func(d *receipt) { d.proof.Hashes = d.proof.Hashes[1:] })
	change("another hash", func(d *receipt) { d.proof.Hashes[0][0] ^= 1 })
	return all
}
