package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Result is one measurement, as --json writes it: times in the unit that their
// name ends in, memory in KB.
type Result struct {
	Label     string  `json:"label,omitempty"`
	Subject   string  `json:"subject"` // "server" or "bare limit"
	Test      string  `json:"test"`
	Extension string  `json:"ext"`
	Time      string  `json:"time"`
	Seconds   float64 `json:"secs,omitempty"`

	Rate     float64  `json:"rate,omitempty"`     // asked for; beside Best the highest that was to be tried
	Achieved float64  `json:"achieved,omitempty"` // calls a second that were started
	Best     *float64 `json:"max_cps_zero_fail,omitempty"`
	callStats
	Answer *Spread `json:"answer,omitempty"` // from INVITE to 200

	CPU    *CPU              `json:"cpu,omitempty"`
	Memory *Memory           `json:"memory,omitempty"`
	Media  map[string]*Media `json:"rtp,omitempty"` // A calls, B is called
}

// CPU is processor time, over all cores.
type CPU struct {
	Seconds       float64 `json:"s"`
	Cores         float64 `json:"cores_pct"` // 100 is one core
	PerCall       float64 `json:"ms_per_call,omitempty"`
	PerCallSecond float64 `json:"ms_per_call_s,omitempty"`
	PerSecond     float64 `json:"ms_per_s,omitempty"`
	Own           float64 `json:"generator_s"`
	Others        float64 `json:"others_pct"` // of the whole machine: what disturbed
}

// Memory is what a process occupies.
type Memory struct {
	Resident       int     `json:"rss_kb"`
	Private        int     `json:"private_dirty_kb"`
	Threads        int     `json:"threads"`
	PerCall        float64 `json:"kb_per_call,omitempty"` // resident
	PerCallPrivate float64 `json:"private_kb_per_call,omitempty"`
}

func (r *Result) calls(s *callStats) {
	r.callStats = *s
	spread := s.answerTime.spread()
	r.Answer = &spread
}

// noisy is the share of the machine, in percent, that others may use before a
// figure is marked as doubtful.
const noisy = 12

// reporter writes results: each as a line of JSON at once, or those of one test
// as a table when it is through.
type reporter struct {
	out     io.Writer
	json    bool
	results []*Result
}

func (w *reporter) begin(test) { w.results = nil }

func (w *reporter) add(r *Result) error {
	if !w.json {
		w.results = append(w.results, r)
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing a result: %w", err)
	}
	_, err = fmt.Fprintf(w.out, "%s\n", line)
	return err
}

func (w *reporter) end(t test) {
	if w.json || len(w.results) == 0 {
		return
	}
	fmt.Fprintln(w.out)
	fmt.Fprintln(w.out, strings.TrimSpace(t.name+" "+w.results[0].Extension))
	table := tabwriter.NewWriter(w.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads, row := layout(t.name)
	fmt.Fprintln(table, "\t"+strings.Join(heads, "\t")+"\t")
	for _, r := range w.results {
		if r.Best != nil {
			continue
		}
		fmt.Fprintln(table, r.Subject+"\t"+strings.Join(row(r), "\t")+"\t")
	}
	table.Flush()
	w.notes()
}

// notes tell what a reader of the table has to know.
func (w *reporter) notes() {
	for _, r := range w.results {
		if r.Best != nil {
			fmt.Fprintf(w.out, "highest rate without a failure: %g calls a second of %g tried\n", *r.Best, r.Rate)
		}
		if r.CPU != nil && r.CPU.Others > noisy {
			fmt.Fprintf(w.out, "doubtful: other programs used %.0f %% of the machine (%s)\n", r.CPU.Others, r.Subject)
		}
		for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
			fmt.Fprintf(w.out, "failed: %d × %s (%s)\n", r.Reasons[reason], reason, r.Subject)
		}
	}
}

// layout is the table of a test: its heads and how a result fills a row.
func layout(test string) (heads []string, row func(*Result) []string) {
	switch test {
	case "idle":
		return []string{"ms CPU/s", "RSS KB", "threads"}, func(r *Result) []string {
			return []string{number(r.CPU.PerSecond), number(float64(r.Memory.Resident)), number(float64(r.Memory.Threads))}
		}
	case "mem":
		return []string{"calls", "failed", "KB/call", "private KB/call", "RSS KB"}, func(r *Result) []string {
			if r.Memory == nil {
				return []string{number(float64(r.Answered)), number(float64(r.Failed)), "-", "-", "-"}
			}
			return []string{number(float64(r.Answered)), number(float64(r.Failed)), number(r.Memory.PerCall), number(r.Memory.PerCallPrivate), number(float64(r.Memory.Resident))}
		}
	case "cps", "cpsmax":
		return []string{"rate/s", "achieved", "calls", "failed", "retrans.", "ms CPU/call", "cores %", "answer ms p50", "p99", "max"}, callRow
	}
	heads = []string{"calls", "failed", "ms CPU/call-s", "cores %", "side", "packets/s", "lost %", "deviation ms p50", "p90", "p99", "max"}
	if test == "play" {
		return heads, func(r *Result) []string { return mediaRow(r)[:len(heads)] }
	}
	return append(heads, "latency ms p50", "p90", "p99", "max", "own late"), mediaRow
}

func callRow(r *Result) []string {
	cpu, cores := "-", "-"
	if r.CPU != nil {
		cpu, cores = number(r.CPU.PerCall), number(r.CPU.Cores)
	}
	return []string{
		number(r.Rate), number(r.Achieved), number(float64(r.Calls)), number(float64(r.Failed)), number(float64(r.Retransmits)),
		cpu, cores, number(r.Answer.P50), number(r.Answer.P99), number(r.Answer.Max),
	}
}

// mediaRow shows the side on which more went wrong; JSON has both.
func mediaRow(r *Result) []string {
	side := "A"
	if b := r.Media["B"]; b != nil && (b.LossPct > r.Media["A"].LossPct || b.Latency.P99 >= r.Media["A"].Latency.P99) {
		side = "B"
	}
	m := r.Media[side]
	cpu, cores := "-", "-"
	if r.CPU != nil {
		cpu, cores = number(r.CPU.PerCallSecond), number(r.CPU.Cores)
	}
	row := []string{number(float64(r.Answered)), number(float64(r.Failed)), cpu, cores, side, number(m.PerLeg), number(m.LossPct)}
	for _, s := range []Spread{m.Deviation, m.Latency} {
		if s.Count == 0 {
			row = append(row, "-", "-", "-", "-")
			continue
		}
		row = append(row, number(s.P50), number(s.P90), number(s.P99), number(s.Max))
	}
	return append(row, number(m.OwnLate))
}

func number(x float64) string { return fmt.Sprintf("%.6g", x) }
