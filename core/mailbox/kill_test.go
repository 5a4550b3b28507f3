package mailbox

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/media/file"
)

const childVariable = "MAILBOX_TEST_SPOOL"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childVariable); folder != "" {
		child(folder)
		return
	}
	os.Exit(m.Run())
}

// child leaves, hears, saves and deletes messages for ever, and says what it is
// about to do to each ("leave", "take ID") and what it has done ("left ID").
func child(folder string) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		panic(err)
	}
	s := New(root, Options{})
	b, _ := s.Box("1@kill")
	other, _ := s.Box("2@kill")
	for i := 0; ; i++ {
		draft, err := recordDraft(b, 0.2)
		if err != nil {
			panic(err)
		}
		m, err := b.Deliver(Delivery{Draft: draft, Message: Message{CallerID: fmt.Sprint(i)}})
		if err != nil {
			panic(err)
		}
		fmt.Println("left", m.ID)
		list, err := b.Messages(Inbox)
		if err != nil {
			panic(err)
		}
		switch {
		case i%2 == 0 && len(list) > 2:
			err = b.Move(list[1].ID, Old, 0)
		case i%5 == 1:
			_, err = b.Forward(list[0].ID, other, "", 0)
		case i%5 == 3:
			fmt.Println("take", list[0].ID)
			err = b.Remove(list[0].ID)
		}
		if err != nil {
			panic(err)
		}
	}
}

// A process that is killed at any moment leaves whole messages: none is lost,
// none is there in half, and none has a gap before it.
func TestKill(t *testing.T) {
	kills := 8
	if testing.Short() {
		kills = 2
	}
	if os.Getenv("MAILBOX_TEST_KILLS") == "200" {
		kills = 200
	}
	chance := rand.New(rand.NewPCG(1, 2))
	var folder string
	var left, taken map[string]bool
	for life := range kills {
		if life%8 == 0 { // a mailbox that grows would make each life slower
			folder, left, taken = t.TempDir(), map[string]bool{}, map[string]bool{}
		}
		run(t, folder, 1+chance.IntN(30), left, taken)
		s := reopen(t, folder)
		have := map[string]string{}
		for _, address := range []string{"1@kill", "2@kill"} {
			for id, place := range whole(t, s, folder, address) {
				if before := have[id]; before != "" {
					t.Fatalf("message %s is there twice, in %s and %s", id, before, place)
				}
				have[id] = place
			}
		}
		for id := range left {
			if have[id] == "" && !taken[id] {
				t.Fatalf("message %s is lost", id)
			}
		}
	}
}

// run has a child work until it has said so many things, then kills it.
func run(t *testing.T, folder string, lines int, left, taken map[string]bool) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+folder)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for n := 0; said.Scan(); n++ {
		word, id, _ := strings.Cut(said.Text(), " ")
		switch word {
		case "left":
			left[id] = true
		case "take":
			taken[id] = true
		default:
			t.Fatal(said.Text())
		}
		if n == lines { // what it says until it dies is read too
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = command.Wait()
}

// whole checks that all of a mailbox is whole, and lists it: ID to folder.
func whole(t *testing.T, s *Store, folder, address string) map[string]string {
	t.Helper()
	b := open(t, s, address)
	found := map[string]string{}
	for _, name := range Folders {
		list, err := b.Messages(name)
		if err != nil {
			t.Fatal(err)
		}
		files := names(t, folder, b.folder, name)
		if len(files) != 2*len(list) {
			t.Fatalf("%s of %s has %d messages in %v", name, address, len(list), files)
		}
		for i, m := range list {
			if m.Number != i || m.Duration == 0 && m.Time.Before(time.Unix(1, 0)) {
				t.Fatalf("message %d of %s is %+v", i, name, m)
			}
			r, err := file.Open(s.root.FS(), m.Sound)
			if err != nil {
				t.Fatalf("message %s: %v", m.ID, err)
			}
			if length := r.Info().Length; length != 200*time.Millisecond || r.Truncated() {
				t.Fatalf("message %s lasts %s", m.ID, length)
			}
			r.Close()
			if found[m.ID] != "" {
				t.Fatalf("message %s is in %s and %s", m.ID, found[m.ID], name)
			}
			found[m.ID] = name
		}
	}
	if rest := names(t, folder, filepath.Join(b.folder, "tmp")); len(rest) != 0 {
		t.Fatalf("left in tmp: %v", rest)
	}
	return found
}
