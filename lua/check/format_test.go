package check

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

var sample = []*Finding{
	{Rule: rulePrompt, Level: Error, File: "scripts/ivr/main menu.lua", Line: 3, Column: 9, Message: "100% wrong:\nno prompt", Source: `  "ü" , "x"`},
	{Rule: ruleUnused, Level: Note, File: "scripts/dialplan.lua", Line: 7, Message: "nobody"},
	{Rule: ruleNoEnd, Level: Warning, Message: "of no file"},
}

func written(t *testing.T, format string, list []*Finding) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, list, "pbx", "1.2"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	want := map[string]string{
		"text": `scripts/ivr/main menu.lua:3: error: 100% wrong:
no prompt [prompt]
    3 |   "ü" , "x"
               ^
scripts/dialplan.lua:7: note: nobody [unused-context]
warning: of no file [no-end]
`,
		"github": `::error file=pbx/scripts/ivr/main menu.lua,line=3,col=8,title=prompt::100%25 wrong:%0Ano prompt
::notice file=pbx/scripts/dialplan.lua,line=7,title=unused-context::nobody
::warning title=no-end::of no file
`,
	}
	for format, text := range want {
		if got := written(t, format, sample); got != text {
			t.Errorf("%s:\n%s\nwant:\n%s", format, got, text)
		}
	}
	var list []Finding
	if err := json.Unmarshal([]byte(strings.NewReplacer(`"error"`, "2", `"warning"`, "1", `"note"`, "0").Replace(written(t, "json", sample))), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[0].Column != 9 || list[0].Level != Error || list[2].File != "" {
		t.Errorf("json: %+v", list)
	}
	if got := written(t, "json", nil); got != "[]\n" {
		t.Errorf("nothing in json is %q", got)
	}
	if err := Write(&bytes.Buffer{}, "xml", nil, "", ""); err == nil || !strings.Contains(err.Error(), "sarif") {
		t.Errorf("an unknown format: %v; want an error that lists the formats", err)
	}
}

// TestSARIF holds the output against what the schema of SARIF 2.1.0 requires of
// the objects that are used, and which properties it knows.
func TestSARIF(t *testing.T) {
	for _, list := range [][]*Finding{sample, nil} {
		var document map[string]any
		if err := json.Unmarshal([]byte(written(t, "sarif", list)), &document); err != nil {
			t.Fatal(err)
		}
		v := &sarifValidator{t: t}
		v.object("", document, "sarifLog")
		runs := document["runs"].([]any)
		run := runs[0].(map[string]any)
		if len(runs) != 1 || len(run["results"].([]any)) != len(list) {
			t.Fatalf("%d runs; %v", len(runs), run["results"])
		}
		rules := run["tool"].(map[string]any)["driver"].(map[string]any)["rules"].([]any)
		for i, r := range run["results"].([]any) {
			result := r.(map[string]any)
			rule := rules[int(result["ruleIndex"].(float64))].(map[string]any)
			if rule["id"] != result["ruleId"] || result["ruleId"] != list[i].Rule {
				t.Errorf("result %d is of rule %v, whose index leads to %v", i, result["ruleId"], rule["id"])
			}
		}
	}
	if got := written(t, "sarif", sample); !strings.Contains(got, `"pbx/scripts/ivr/main%20menu.lua"`) || !strings.Contains(got, `"startColumn": 8`) {
		t.Errorf("the place is not as it should be:\n%s", got)
	}
}

// sarifSchema is the part of the schema that matters here: by object, its
// properties with their types, those with an exclamation mark required.
var sarifSchema = map[string]map[string]string{
	"sarifLog":                 {"$schema": "uri", "version!": "=2.1.0", "runs!": "[]run"},
	"run":                      {"tool!": "tool", "columnKind": "=utf16CodeUnits|unicodeCodePoints", "results": "[]result"},
	"tool":                     {"driver!": "toolComponent"},
	"toolComponent":            {"name!": "string", "version": "string", "informationUri": "uri", "rules": "[]reportingDescriptor"},
	"reportingDescriptor":      {"id!": "string", "shortDescription": "multiformatMessageString", "helpUri": "uri", "defaultConfiguration": "reportingConfiguration"},
	"reportingConfiguration":   {"level": "=none|note|warning|error"},
	"multiformatMessageString": {"text!": "string"},
	"result":                   {"ruleId": "string", "ruleIndex": "index", "level": "=none|note|warning|error", "message!": "message", "locations": "[]location"},
	"message":                  {"text": "string"},
	"location":                 {"physicalLocation": "physicalLocation"},
	"physicalLocation":         {"artifactLocation": "artifactLocation", "region": "region"},
	"artifactLocation":         {"uri": "uri-reference"},
	"region":                   {"startLine": "positive", "startColumn": "positive", "snippet": "artifactContent"},
	"artifactContent":          {"text": "string"},
}

type sarifValidator struct{ t *testing.T }

func (v *sarifValidator) object(at string, value any, name string) {
	object, ok := value.(map[string]any)
	if !ok {
		v.t.Errorf("%s is no object but %v", at, value)
		return
	}
	properties := map[string]string{}
	for property, kind := range sarifSchema[name] {
		bare, required := strings.CutSuffix(property, "!")
		properties[bare] = kind
		if _, there := object[bare]; required && !there {
			v.t.Errorf("%s lacks %s", at, bare)
		}
	}
	for property, inner := range object {
		kind, known := properties[property]
		if !known {
			v.t.Errorf("%s has %s, which a %s does not have", at, property, name)
			continue
		}
		v.value(at+"/"+property, inner, kind)
	}
}

func (v *sarifValidator) value(at string, value any, kind string) {
	text, isText := value.(string)
	number, isNumber := value.(float64)
	words, isWord := strings.CutPrefix(kind, "=")
	element, isList := strings.CutPrefix(kind, "[]")
	ok := true
	switch {
	case isWord:
		ok = slices.Contains(strings.Split(words, "|"), text)
	case isList:
		list, is := value.([]any)
		if ok = is; is {
			for _, item := range list {
				v.value(at, item, element)
			}
		}
	case kind == "string":
		ok = isText && text != ""
	case kind == "uri", kind == "uri-reference":
		u, err := url.Parse(text)
		ok = isText && err == nil && (kind == "uri-reference" || u.IsAbs())
	case kind == "positive":
		ok = isNumber && number >= 1
	case kind == "index":
		ok = isNumber && number >= 0
	default:
		v.object(at, value, kind)
	}
	if !ok {
		v.t.Errorf("%s is %v, want %s", at, value, kind)
	}
}
