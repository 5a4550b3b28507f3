package suite

import (
	"bufio"
	"io"
)

//go:generate go test -run TestGeneratedFiles . -update

// WriteTypes writes the annotations of what test files can call, for editors.
func WriteTypes(w io.Writer) error { return Table.WriteTypes(w) }

const referenceHead = `# The API of tests

This page is written from the table of bindings in ` + "`lua/suite`" + ` by its tests; changes are lost.

These functions exist in test files only (` + "`scripts/dialplan_test.lua`" + `), beside the [API of scripts](lua-reference.md). How tests are written says the guide, in [Testing call flows](guide/testing.md). Times are in seconds of virtual time.

`

// WriteReference writes the manual of what test files can call, in Markdown.
func WriteReference(w io.Writer) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(referenceHead) // Flush tells of errors
	if err := Table.WriteReference(b); err != nil {
		return err
	}
	return b.Flush()
}
