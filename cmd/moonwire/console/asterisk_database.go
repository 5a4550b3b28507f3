package console

import (
	"fmt"
	"strings"
)

var asteriskDatabase = []*Command{
	known("database show", "what is kept, as /family/key", databaseShow, Arg{Name: "FAMILY", Optional: true, Complete: (*Session).families}, Arg{Name: "KEY", Optional: true, Complete: (*Session).keys}),
	known("database get", "read a value", databaseGet, familyArg, keyArg),
	known("database put", "keep a value", databasePut, familyArg, keyArg, Arg{Name: "VALUE"}),
	known("database del", "forget a value", databaseDelete, familyArg, keyArg),
	known("database deltree", "forget a family, or a key and all below it", storeDeleteTree, familyArg, Arg{Name: "KEY", Optional: true, Complete: (*Session).keys}),
}

func databaseShow(r *Run) (Result, error) {
	listed, err := storeShow(r)
	if err != nil {
		return listed, err
	}
	t := &Table{Columns: columns("path", "value", "family", "key")}
	var b strings.Builder
	for _, row := range listed.Table.Rows {
		path := fmt.Sprintf("/%s/%s", row[0], row[1])
		t.add(path, row[2], row[0], row[1])
		fmt.Fprintf(&b, "%-50s: %s\n", cellText(path), cellText(row[2]))
	}
	fmt.Fprintf(&b, "%d results found.\n", len(t.Rows))
	return Result{Table: t, Text: b.String()}, nil
}

func databaseGet(r *Run) (Result, error) {
	result, err := storeGet(r)
	if err != nil {
		return result, fmt.Errorf("Database entry not found: %w", err)
	}
	result.Text = "Value: " + result.Text
	return result, nil
}

func databasePut(r *Run) (Result, error) {
	result, err := storePut(r)
	if err == nil {
		result.Text = "Updated database successfully"
	}
	return result, err
}

func databaseDelete(r *Run) (Result, error) {
	result, err := storeDelete(r)
	if err == nil {
		result.Text = "Database entry removed."
	}
	return result, err
}
