package check

import (
	"net/url"
	"path"
)

// The Static Analysis Results Interchange Format, version 2.1.0 (OASIS), as far
// as findings need it. The numbers are those of its sections.

type sarif struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"` // 3.13.4
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`       // 3.14.6
	ColumnKind string        `json:"columnKind"` // 3.14.17
	Results    []sarifResult `json:"results"`    // 3.14.23
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"` // 3.18.2
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"` // 3.19.23
}

type sarifRule struct {
	ID               string       `json:"id"` // 3.49.3
	ShortDescription sarifText    `json:"shortDescription"`
	HelpURI          string       `json:"helpUri"`
	Configuration    sarifDefault `json:"defaultConfiguration"` // 3.49.14
}

type sarifDefault struct {
	Level Level `json:"level"` // 3.50.3: its words are ours
}

type sarifText struct {
	Text string `json:"text"` // 3.11.8
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`    // 3.27.5
	RuleIndex int             `json:"ruleIndex"` // 3.27.6
	Level     Level           `json:"level"`     // 3.27.10
	Message   sarifText       `json:"message"`   // 3.27.11
	Locations []sarifLocation `json:"locations"` // 3.27.12
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"` // 3.28.3
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"` // 3.29.3
	Region   *sarifRegion  `json:"region,omitempty"` // 3.29.4
}

type sarifArtifact struct {
	URI string `json:"uri"` // 3.4.3
}

type sarifRegion struct {
	StartLine   int        `json:"startLine"`             // 3.30.5
	StartColumn int        `json:"startColumn,omitempty"` // 3.30.6
	Snippet     *sarifText `json:"snippet,omitempty"`     // 3.30.13
}

const projectURI = "https://github.com/moonwire/moonwire"

func newSARIF(findings []*Finding, folder, version string) sarif {
	run := sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name: "moonwire check", Version: version, InformationURI: projectURI,
		}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	index := map[string]int{}
	for i, r := range Rules {
		index[r.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: r.ID, ShortDescription: sarifText{r.Summary}, Configuration: sarifDefault{r.Level},
			HelpURI: projectURI + "/blob/main/docs/guide/check.md#" + r.ID,
		})
	}
	for _, f := range findings {
		result := sarifResult{RuleID: f.Rule, RuleIndex: index[f.Rule], Level: f.Level, Message: sarifText{f.Message}, Locations: []sarifLocation{}}
		if f.File != "" {
			at := sarifPhysical{Artifact: sarifArtifact{(&url.URL{Path: path.Join(folder, f.File)}).EscapedPath()}}
			if f.Line > 0 {
				at.Region = &sarifRegion{StartLine: f.Line, StartColumn: f.character()}
				if f.Source != "" {
					at.Region.Snippet = &sarifText{f.Source}
				}
			}
			result.Locations = append(result.Locations, sarifLocation{at})
		}
		run.Results = append(run.Results, result)
	}
	return sarif{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}
}
