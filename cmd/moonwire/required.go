package main

import (
	"context"
	"fmt"
	"time"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/simulate"
	"github.com/moonwire/moonwire/lua/suite"
)

// testsTime is how long the tests that a reload requires may take together.
const testsTime = time.Minute

// accept refuses a version whose tests fail, where its scripts ask for that. The
// first version serves whatever its tests say: there is none that could go on.
func (s *server) accept(ctx context.Context, v *host.Version) error {
	if s.host == nil || s.host.Current() == nil || !v.Declarations().(*api.Site).RequireTests {
		return nil
	}
	scripts, plugins, err := siteFiles(s.site)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testsTime)
	defer cancel()
	report, err := suite.Run(ctx, suite.Options{
		Scripts: scripts, Plugins: plugins, Sounds: &simulate.Sounds{Recorded: s.prompts}, Zone: time.Local, Workers: 1,
	})
	if err != nil {
		return fmt.Errorf("the tests did not come to their end: %w", err)
	}
	if n := report.Failed(); n > 0 {
		return fmt.Errorf("%d of %d tests fail (reload.require_tests); the first:\n%s", n, report.Count(), report.First())
	}
	s.log.Info("tests passed", "tests", report.Count(), "time", report.Duration.Round(time.Millisecond))
	return nil
}
