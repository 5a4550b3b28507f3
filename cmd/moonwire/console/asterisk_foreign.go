package console

import (
	"slices"
	"strings"
)

// What Asterisk's users type and what has no counterpart, with what there is
// instead: in one line, as a refusal, so that a script notices.

type foreign struct{ words, instead string }

var foreignWords = []foreign{
	{"core show license", "moonwire's license is in the file LICENSE that comes with it"},
	{"core show warranty", "there is no warranty; the file LICENSE says what there is"},
	{"core show translation", "there is no table of costs: audio passes unchanged where both sides speak one codec, else it is decoded and coded once; see core show codecs"},
	{"core show file formats", "prompts and recordings are WAV (G.711 or 16 bit), prompts also MP3"},
	{"show translation", "see core show translation"},
	{"show license", "moonwire's license is in the file LICENSE that comes with it"},
	{"show warranty", "there is no warranty; the file LICENSE says what there is"},
	{"show file formats", "prompts and recordings are WAV (G.711 or 16 bit), prompts also MP3"},
	{"core show hints", "there are no hints: phones cannot watch each other's state"},
	{"core show hint", "there are no hints: phones cannot watch each other's state"},
	{"core show agi", "there is no list of AGI commands here; agi show commands names none either"},
	{"show agi", "there is no list of AGI commands here"},
	{"agi show commands", "there is no list of AGI commands here"},
	{"core show settings", "see sip show settings, uptime and versions"},
	{"core show sysinfo", "see /metrics of the server's HTTP address"},
	{"core show threads", "see /metrics of the server's HTTP address: go_goroutines"},
	{"core show taskprocessors", "there are none; see /metrics of the server's HTTP address"},
	{"core show locks", "there is nothing to be shown"},
	{"core restart gracefully", "the console cannot restart the server: stop it, and let your service manager start it again"},
	{"core restart when convenient", "the console cannot restart the server: stop it, and let your service manager start it again"},
	{"core restart now", "the console cannot restart the server: stop now, and let your service manager start it again"},
	{"restart gracefully", "the console cannot restart the server: stop it, and let your service manager start it again"},
	{"restart when convenient", "the console cannot restart the server: stop it, and let your service manager start it again"},
	{"restart now", "the console cannot restart the server: stop now, and let your service manager start it again"},
	{"module reload", "there are no modules: phones, trunks and the dialplan are Lua, and reload reads all of it"},
	{"module load", "there are no modules to be loaded: what moonwire can do, it can do"},
	{"module unload", "there are no modules to be unloaded"},
	{"module show", "there are no modules: core show applications and core show functions list what scripts can use"},
	{"dialplan add", "the dialplan is Lua: write it to a file of scripts/, it is read when it is saved"},
	{"dialplan remove", "the dialplan is Lua: take it out of a file of scripts/, that is read when it is saved"},
	{"dialplan save", "the dialplan is Lua and is saved already"},
	{"sip notify", "phones cannot be told to restart or to read their configuration from here"},
	{"sip show inuse", "see phones: its column CALLS"},
	{"sip show subscriptions", "there are no subscriptions: phones cannot watch each other's state"},
	{"sip show domains", "any domain that leads here is served"},
	{"iax2", "this server does not speak IAX2"},
	{"iax", "this server does not speak IAX2"},
	{"mgcp", "this server does not speak MGCP"},
	{"zap", "this server has no DAHDI or Zaptel lines"},
	{"dahdi", "this server has no DAHDI or Zaptel lines"},
	{"pri", "this server has no ISDN lines"},
	{"misdn", "this server has no ISDN lines"},
	{"queue show", "there are no queues; a script builds one of call:dial, music and the store"},
	{"meetme list", "there are no conferences"},
	{"confbridge list", "there are no conferences"},
	{"voicemail show users", "mailboxes are settings of scripts; see sip show peer"},
	{"manager show", "there is no manager interface (AMI); programs use moonwire console -x … --json"},
	{"http show status", "the HTTP address is the server's option --http; the server says it when it starts"},
	{"logger rotate", "the log goes to standard error; whoever keeps it rotates it"},
	{"logger reload", "the log's level is changed by set log"},
	{"cdr show status", "records of calls are what scripts make of on(\"call.ended\", …)"},
	{"features show", "keys during a call are options of call:dial: on_digit, hangup_on, transfer_context"},
	{"parkedcalls show", "there is no parking"},
	{"file convert", "sounds are converted outside of the server: sox in.wav -r 8000 -c 1 -t ul out.ulaw"},
	{"rtp set debug", "see channels for loss and jitter of each leg; packets are seen with tcpdump"},
	{"ulimit", "limits are set by whoever starts the server"},
	{"asterisk", "this is the console already; in the shell, asterisk -r is moonwire console and asterisk -rx is moonwire console -x"},
}

// shellWords are commands of the shell that guides for Asterisk mix with those of
// its console, and what they are for.
var shellWords = map[string]string{
	"ztcfg zttool zttest ztmonitor fxotune genzaptelconf":                     "for lines that this server does not have",
	"sendfax faxstat faxrm faxsetup faxaddmodem faxmodem faxgetty faxq hfaxd": "of HylaFAX, which works beside this server",
	"make":                     "and nothing has to be compiled for a site",
	"service update-rc.d":      "and starts and stops the server; stop does so here",
	"modprobe lspci dmesg":     "and tells of drivers, which this server does not need",
	"sox":                      "and makes a sound one that a phone can play: sox in.wav -r 8000 -c 1 -t ul out.ulaw",
	"ps netstat tcpdump ngrep": "and looks at the machine; here see uptime, sip show settings and sip trace on",
}

// asteriskForeign makes commands of them that refuse.
func asteriskForeign() []*Command {
	all := slices.Clone(foreignWords)
	for names, purpose := range shellWords {
		for word := range strings.FieldsSeq(names) {
			all = append(all, foreign{word, word + " is a command of the shell, " + purpose})
		}
	}
	slices.SortFunc(all, func(a, b foreign) int { return strings.Compare(a.words, b.words) })
	var list []*Command
	for _, f := range all {
		list = append(list, &Command{
			Words: f.words, Args: []Arg{{Name: "ARGUMENT", Optional: true, Rest: true}}, Alias: true, Foreign: true, Summary: "not here: " + f.instead,
			Run: func(*Run) (Result, error) { return Result{Failed: f.instead}, nil },
		})
	}
	return list
}
