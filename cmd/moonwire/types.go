package main

import (
	"io"

	"github.com/moonwire/moonwire/lua/api"
)

type typesCommand struct {
	Reference bool `help:"Write the reference manual (Markdown) instead of the types."`
}

// Run prints what the table of the Lua API says.
func (c typesCommand) Run(out io.Writer) error {
	if c.Reference {
		return api.WriteReference(out)
	}
	return api.WriteTypes(out)
}
