package console

import "fmt"

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
	t := &Table{Columns: columns("path", "value", "family=-", "key=-"), Bare: true}
	t.Columns[0].Width = 50
	for _, row := range listed.Table.Rows {
		t.add(fmt.Sprintf("/%s/%s", row[0], row[1]), ": "+row[2].(string), row[0], row[1])
	}
	t.Foot = fmt.Sprintf("%d results found.", len(t.Rows))
	return Result{Table: t}, nil
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
