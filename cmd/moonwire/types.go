package main

import (
	"io"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/suite"
)

type typesCommand struct {
	Reference bool `help:"Write the reference manual (Markdown) instead of the types."`
	Tests     bool `help:"Write those of test files."`
}

// Run prints what the table of the Lua API says.
func (c typesCommand) Run(out io.Writer) error {
	switch {
	case c.Tests && c.Reference:
		return suite.WriteReference(out)
	case c.Tests:
		return suite.WriteTypes(out)
	}
	if c.Reference {
		return api.WriteReference(out)
	}
	return api.WriteTypes(out)
}
