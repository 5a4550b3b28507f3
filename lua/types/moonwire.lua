---@meta
-- The Lua API of moonwire, for editors. Written by `moonwire types`; changes are lost.
-- luacheck: ignore

---A call that a script serves, or another party that it dialled.
---@class call
---@field id string unique; on every line of the log
---@field caller caller who calls; what is changed here is shown to those who are dialled
---@field called caller who is called, where the line says so
---@field extension string the number that was dialled
---@field context string where it was looked up
---@field language string of prompts: "en"
---@field state "trying"|"ringing"|"early"|"answered"|"ended" how far the call has come
---@field vars table<string, any> values of the script's own, which end with the call
---@field fields table<string, any> what the script wants to be kept in the record of the call, as text; accountcode, userfield and amaflags have columns of their own in Asterisk's formats
---@field peer string the phone or trunk, "" for guests
---@field endpoint string the kind of line: "sip"
---@field headers headers headers of the first message, by name: call.headers["X-Queue"]
---@field held boolean the far end has put us on hold
---@field cause number|nil why it ended (Q.850), nil before
local call_methods = {}

---A party of a call, as it is shown to the other.
---@class caller
---@field number string "" where it is not known
---@field name string "" where it is not known
---@field presentation "allowed"|"withheld"|"unavailable" whether the number may be shown
local caller_methods = {}

---A set of numbers that some callers may dial.
---@class context
---@field name string its name
local context_methods = {}

---Headers of a protocol message, by name; nil for those that are not there.
---@class headers
---@field [string] string?
local headers_methods = {}

---A mailbox of the site, and its messages.
---@class mailbox
---@field address string "1101@finance"
---@field number string "1101"
---@field context string "finance"
---@field locked boolean a PIN is asked for
---@field name string whose it is (default "")
---@field email string where its owner gets mail (default "")
---@field pager string where its owner gets short mail (default "")
---@field zone string time zone in which times are said: "Europe/Paris"; the machine's where left out (default "")
---@field language string of what its owner hears; that of the call where left out (default "")
---@field maxmsg integer messages in a folder (default 100)
---@field maxsecs number longest message (in s, default 300)
---@field minsecs number what is shorter is dropped (in s, default 1)
---@field maxsilence number ends a message, and is cut off; 0 is never (in s, default 10)
---@field maxlogins integer wrong PINs before the call ends (default 3)
---@field review boolean callers may hear their message, record it again, or mark it urgent (default false)
---@field saycid boolean the caller's number is said before each message (default false)
---@field envelope boolean date and time are said before each message (default true)
---@field operator boolean callers may press 0 for the extension `o` (default false)
---@field callback boolean its owner may call back who left a message (default false)
---@field nextaftercmd boolean the next message is played after one is deleted or saved (default false)
---@field attach boolean mail carries the message (default false)
---@field delete boolean a message that was mailed is not kept (default false)
local mailbox_methods = {}

---How scripts that were edited are put into service: `reload.require_tests = true` in the configuration.
---@class reload
---@field require_tests boolean run the site's tests first, and let the old scripts serve on where one fails; set while scripts are loaded (default false)
local reload_methods = {}
---@type reload
reload = reload_methods

---A conversation in lines with a program or another machine.
---@class stream
---@field name string the program or the address at the other end
---@field open boolean false once it was stopped
---@field timeout number how long `read` and `write` wait where nothing else is said (in s)
local stream_methods = {}

---Phones, trunks, and where to listen.
---@class siplib
sip = {}

---Which extensions there are.
---@class dialplanlib
dialplan = {}

---Values that calls share and that survive a restart.
---@class storelib
store = {}

---Where voice messages are kept; see also `mailbox`.
---@class mailboxeslib
mailboxes = {}

---Lines for the operator.
---@class loglib
log = {}

---The story of the call, as `moonwire trace` shows it.
---@class tracelib
trace = {}

---Names that one script at a time may hold.
---@class locklib
lock = {}

---Functions that run later.
---@class timerlib
timer = {}

---Clocks, dates and their text; times are seconds since 1970 in UTC.
---@class timelib
time = {}

---Where the records of calls go.
---@class recordslib
records = {}

---JSON.
---@class jsonlib
json = {}

---Requests to other machines, within what is granted.
---@class httplib
http = {}

---Regular expressions.
---@class relib
re = {}

---Numbers with more digits than Lua's.
---@class preciselib
precise = {}

---Files, within what is granted.
---@class fslib
fs = {}

---Other programs, within what is granted.
---@class programlib
program = {}

---Connections to other machines, within what is granted.
---@class netlib
net = {}

---Chance.
---@class randomlib
random = {}

---Base64.
---@class base64lib
base64 = {}

---Sums and signatures.
---@class hashlib
hash = {}

---Parts of URLs.
---@class urllib
url = {}

---Opens a context: a named set of extensions.
---
---The same context may be opened in several files. Phones and trunks name the context where the numbers that they dial are looked up; what is in no context that they can reach does not exist for them.
---
---```lua
---local internal = context "internal"
---
---internal:extension("600", function(call)
---  call:answer()
---  call:echo()
---end)
---```
---@param name string its name
---@return context context takes extensions and includes
function context(name) end

---@class context.extension.options
---@field caller? string only for callers whose number is this or matches this pattern
---@field name? string shown in logs and traces

---Says what happens when a number of this context is dialled.
---
---A pattern begins with `_`; in it `X` is a digit, `Z` a digit from 1, `N` a digit from 2, `[15-7]` one of these, `.` one or more characters and `!` none or more. Where several match, the most specific wins, whatever the order in the files. Special extensions are `s` (no number), `i` (a number that matches nothing).
---
---```lua
---local inbound = context "from-trunk"
---
---inbound:extension("_0[1-7]XXXXXXXX", { name = "main number" }, function(call)
---  call:dial("sip/1001", { timeout = 25 })
---end)
---
---inbound:extension("_X.", { caller = "0900123456" }, function(call)
---  call:hangup "rejected"
---end)
---```
---@param pattern string the number, or a pattern of numbers
---@param options? fun(call: call)|context.extension.options may be left out
---@param fn? fun(call: call) serves the call; the call ends when it returns
---@return context context the same context
function context_methods:extension(pattern, options, fn) end

---@class context.include.options
---@field when? string|string[] when the include applies: "09:00-17:59,mon-fri,*,*", times, days of the week, days of the month and months, "*" or nothing for any; several are alternatives
---@field zone? string time zone of when, such as "Europe/Paris"; the machine's where it is left out

---Makes the extensions of another context reachable from this one.
---
---Included contexts are looked through in order, after the context's own extensions, and only where those match nothing.
---
---```lua
---local day = context "day"
---day:extension("100", function(call) call:dial "sip/1001" end)
---
---local inbound = context "inbound"
---inbound:include("day", { when = "09:00-17:59,mon-fri" })
---inbound:extension("i", function(call) call:play "vm-goodbye" end)
---```
---@param name string the other context
---@param options? context.include.options when it applies
---@return context context the same context
function context_methods:include(name, options) end

---Runs a function at an event.
---
---Several functions may wait for one event; they run in the order of their declaration, and one that fails is reported and skipped. Those of `call.incoming` run before the dialled number is looked up, on the call itself; all others run beside the calls and delay none.
---
---```lua
---on("call.ended", function(record)
---  log.info("call from %s lasted %d s: %s", record.caller.number, record.duration, record.cause)
---end)
---
---on("registration", function(event)
---  log.info("phone %s is %s", event.phone, event.state)
---end)
---```
---@param event "start"|"call.incoming"|"call.ended"|"registration"|"voicemail.changed"|"originated" `start`: this version of the scripts begins to serve; `call.incoming`: a call came in, fn gets it; `call.ended`: fn gets the record of the call; `registration`: a phone or trunk came or went, fn gets `phone`, `state`, `contact`; `voicemail.changed`: messages came or went, fn gets `mailbox`, `new`, `urgent`, `old`; `originated`: it is known what came of an `originate` with wait = false, fn gets what that would have returned, and its `target`, `tag`, `context` and `extension`
---@param fn fun(subject: any) runs at the event
function on(event, fn) end

---@class dialplan.find.options
---@field caller? string the caller's number; that of the call where left out

---@class dialplan.find.extensions.item
---@field context? string where the extension stands, which may be an included context
---@field pattern? string as it was written
---@field caller? string what the caller's number must be
---@field name? string that was given to it
---@field source? string file and line
---@field serve? fun(call: call) does what the extension does

---Lists the extensions that fit a number.
---
---They come in the order in which they would be tried: the first is the one that serves the number, the others are what it hides. `serve` takes a call and does what the extension does, then comes back.
---
---```lua
---context "internal":extension("613", function(call)
---  for _, extension in ipairs(dialplan.find("internal", "600")) do
---    log.info("%s of %s, %s", extension.pattern, extension.context, extension.source)
---  end
---end)
---```
---@param context string where the number is looked up
---@param number string the number
---@param options? dialplan.find.options for whom
---@return dialplan.find.extensions.item[] extensions the best first; empty where nothing fits
function dialplan.find(context, number, options) end

---@class dialplan.probe.options
---@field caller? string the caller's number; that of the call where left out

---Tells what digits that are being dialled have come to.
---
---```lua
---context "internal":extension("614", function(call)
---  local digits = call:read { max = 1 } or ""
---  local found, more = dialplan.probe("internal", digits)
---  if found and not more then call:enter(digits) end
---end)
---```
---@param context string where they are looked up
---@param digits string what was dialled so far
---@param options? dialplan.probe.options for whom
---@return boolean found the digits are a number
---@return boolean? more further digits could make another number
function dialplan.probe(context, digits, options) end

---Tells whether there is a context of a name.
---
---```lua
---context "internal":extension("615", function(call)
---  if dialplan.has "night" then call:enter("s", "night") end
---end)
---```
---@param context string its name
---@return boolean there whether it was declared
function dialplan.has(context) end

---A password that is made at the first start and kept.
---
---It is never in the scripts: the server makes it, keeps it in its data directory and shows it once.
---
---```lua
---context "internal"
---sip.phone "1001" { password = secret "1001", context = "internal" }
---```
---@param name string what the password is for
---@return string password the same at every start
function secret(name) end

---A variable of the server's environment.
---
---```lua
---sip.set { advertise = env("PUBLIC_ADDRESS", "203.0.113.7") }
---```
---@param name string its name
---@param default? string used where it is not set; without one that is an error
---@return string value its value
function env(name, default) end

---@class limits.settings
---@field calls? integer calls at once; 0 is no limit (default 0)
---@field calls_per_second? number new calls a second; 0 is no limit (default 0)
---@field duration? number longest call; 0 is no limit (in s, default 0)

---Keeps the site within bounds.
---
---Only while scripts are loaded.
---
---```lua
---limits { calls = 200, calls_per_second = 50, duration = 4 * 3600 }
---```
---@param settings limits.settings bounds
function limits(settings) end

---@class grant.capabilities.programs
---@field [integer] string
---@field user? string whom they run as; only root can choose. `nobody` where the server is root, else the server's own
---@field at_once? integer how many of them (default 20)
---@field timeout? number how long a call waits for one before it is killed (in s, default 60)
---@field env? table<string, string> variables of their environment, beside PATH, HOME, USER, LANG and TZ

---@class grant.capabilities
---@field http? string|string[] hosts: "crm.example.org", "crm.example.org:8080", "*.example.org"
---@field read? string|string[] folders whose files may be read
---@field write? string|string[] folders whose files may be read, written and removed
---@field tcp? string|string[] hosts to talk with by TCP, with their ports: "127.0.0.1:4573"; without one, on every port
---@field programs? string|grant.capabilities.programs programs that may be run: "/usr/local/bin/lookup"; "agi-bin/*" are those of the site's folder agi-bin; "/bin/sh" lets scripts run any command

---Lets scripts reach files, hosts and programs.
---
---Nothing is reachable that no grant names. Several grants add up.
---
---Only while scripts are loaded.
---
---```lua
---grant { http = "crm.example.org", read = "/srv/lists", write = { "/srv/out" } }
---grant { programs = { "agi-bin/*", "/usr/local/bin/lookup", user = "nobody", at_once = 20, timeout = 60 } }
---```
---@param capabilities grant.capabilities what may be reached
function grant(capabilities) end

---@class records.csv.options
---@field path? string the file, within the data directory unless it begins with a slash (default "records/Master.csv")
---@field columns? string[] their names: those of the page on call records, or of call.fields; where left out those of Asterisk
---@field header? boolean begin a new file with a line of names (default false)
---@field name? string tells several sinks of a kind apart; that of the kind where left out. Delivery goes on where it stopped for a name that is known
---@field utc? boolean times in UTC instead of the server's zone (default false)

---Writes the record of each call to a file, as Asterisk writes Master.csv.
---
---Only while scripts are loaded.
---
---```lua
---records.csv { path = "/var/log/moonwire/Master.csv" }
---```
---@param options records.csv.options where, and how
function records.csv(options) end

---@class records.sqlite.options
---@field path? string the file, within the data directory unless it begins with a slash (default "records/cdr.sqlite")
---@field table? string the table, perhaps with its schema; made where there is none (default "cdr")
---@field name? string tells several sinks of a kind apart; that of the kind where left out. Delivery goes on where it stopped for a name that is known
---@field utc? boolean times in UTC instead of the server's zone (default false)

---Writes the record of each call to a table of an SQLite database.
---
---Only while scripts are loaded.
---
---```lua
---records.sqlite { path = "/srv/calls/cdr.sqlite" }
---```
---@param options records.sqlite.options where, and how
function records.sqlite(options) end

---@class records.postgres.options
---@field dsn string server, database, user: `postgres://moonwire:secret@db.example.org/calls`
---@field table? string the table, perhaps with its schema; made where there is none (default "cdr")
---@field name? string tells several sinks of a kind apart; that of the kind where left out. Delivery goes on where it stopped for a name that is known
---@field utc? boolean times in UTC instead of the server's zone (default false)

---Writes the record of each call to a table of a PostgreSQL database.
---
---Only while scripts are loaded.
---
---```lua
---records.postgres { dsn = env("RECORDS_DSN", "postgres://moonwire@db.example.org/calls"), table = "cdr" }
---```
---@param options records.postgres.options where, and how
function records.postgres(options) end

---@class records.mysql.options
---@field dsn string user, server, database: `moonwire:secret@tcp(db.example.org:3306)/asterisk`
---@field table? string the table, perhaps with its schema; made where there is none (default "cdr")
---@field name? string tells several sinks of a kind apart; that of the kind where left out. Delivery goes on where it stopped for a name that is known
---@field utc? boolean times in UTC instead of the server's zone (default false)

---Writes the record of each call to a table of a MySQL or MariaDB database.
---
---Only while scripts are loaded.
---
---```lua
---records.mysql { dsn = env("RECORDS_DSN", "moonwire@tcp(db.example.org)/asterisk"), table = "cdr" }
---```
---@param options records.mysql.options where, and how
function records.mysql(options) end

---@class records.keep.options
---@field days? number how long records are kept that every sink has (default 90)
---@field size? integer of the whole journal, 64 KB or more (in bytes, default 536870912)

---Says how much of the journal of call records is kept on this server.
---
---What every sink has got is kept so long, for `moonwire records`. What some sink has not got stays while there is room.
---
---Only while scripts are loaded.
---
---```lua
---records.keep { days = 30, size = 100e6 }
---```
---@param options records.keep.options how much
function records.keep(options) end

---@class sip.phone.settings
---@field password string see `secret` and `env`
---@field context string where the numbers it dials are looked up
---@field caller_id? string shown to those it calls: '"Front desk" <1101>'; its name where left out
---@field mailbox? string its voicemail: "1101@finance"; the phone is told when messages wait
---@field contacts? integer devices that may register at once (default 5)
---@field min_expires? number shortest registration (in s, default 60)
---@field max_expires? number longest registration (in s, default 3600)
---@field qualify? number ask this often whether it is there; 0 is never (in s, default 0)
---@field call_limit? integer calls at once; 0 is no limit (default 0)
---@field codecs? "ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16"|("ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16")[] in order of preference; the site's where left out
---@field dtmf? "auto"|"rtp"|"info"|"inband" how digits are sent: by RFC 4733 where agreed and as tones otherwise, or always in one way (default "auto")
---@field ptime? number wished length of a media packet (in s)
---@field language? string of prompts, such as "en" or "fr"
---@field nat? boolean believe where packets come from rather than what they say (default true)

---Declares a phone that registers with this server.
---
---Only while scripts are loaded.
---
---```lua
---context "internal"
---
---sip.phone "1101" {
---  password = secret "1101",
---  context = "internal",
---  caller_id = '"Front desk" <1101>',
---  codecs = { "ulaw", "alaw" },
---}
---```
---@param name string user name of its address and of its credentials
---@param settings? sip.phone.settings what it may do
---@return fun(settings: sip.phone.settings)
function sip.phone(name, settings) end

---@class sip.trunk.settings
---@field host string name or address, optionally with :port
---@field transport? "udp"|"tcp"|"tls" how it is reached; left out, the records of the domain (NAPTR, SRV) say, and else udp
---@field user? string of our credentials
---@field auth_user? string of the digest, where it is not user
---@field password? string of our credentials
---@field from_user? string user part of From; the caller's number where left out
---@field from_domain? string domain of From
---@field outbound_proxy? string host[:port] that everything is sent to
---@field register? boolean register with it (default false)
---@field register_as? string extension that it calls when it calls us; user where left out
---@field expires? number of the registration (in s, default 3600)
---@field match? string|string[] addresses or networks whose calls are this trunk's, beside the host's own
---@field auth? boolean its calls must authenticate with user and password (default false)
---@field context? string where the numbers it calls are looked up; without it its calls are refused
---@field trust_identity? boolean believe and send P-Asserted-Identity (default false)
---@field qualify? number ask this often whether it is there; 0 is never (in s, default 0)
---@field call_limit? integer calls at once; 0 is no limit (default 0)
---@field codecs? "ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16"|("ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16")[] in order of preference; the site's where left out
---@field dtmf? "auto"|"rtp"|"info"|"inband" how digits are sent: by RFC 4733 where agreed and as tones otherwise, or always in one way (default "auto")
---@field ptime? number wished length of a media packet (in s)
---@field language? string of prompts, such as "en" or "fr"
---@field nat? boolean believe where packets come from rather than what they say (default true)

---Declares another system: a provider or a PBX.
---
---Only while scripts are loaded.
---
---```lua
---context "from-ovh"
---
---sip.trunk "ovh" {
---  host = "siptrunk.ovh.net",
---  user = "0033972320690",
---  password = env("OVH_PASSWORD", ""),
---  register = true,
---  context = "from-ovh",
---  codecs = { "ulaw", "alaw" },
---}
---```
---@param name string its name in targets: "sip/0123456789@ovh"
---@param settings? sip.trunk.settings how it is reached, and what its calls may do
---@return fun(settings: sip.trunk.settings)
function sip.trunk(name, settings) end

---Says where to listen for SIP.
---
---Takes effect when the server starts. Without it the server listens on UDP and TCP port 5060 of all addresses.
---
---Only while scripts are loaded.
---
---```lua
---sip.listen { "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060" }
---```
---@param addresses string|string[] "udp:0.0.0.0:5060", "tcp:…", "tls:…"
function sip.listen(addresses) end

---@class sip.guests.settings
---@field context string where the numbers they dial are looked up
---@field from? string|string[] addresses or networks; from anywhere where left out
---@field codecs? "ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16"|("ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16")[] in order of preference; the site's where left out
---@field dtmf? "auto"|"rtp"|"info"|"inband" how digits are sent: by RFC 4733 where agreed and as tones otherwise, or always in one way (default "auto")
---@field ptime? number wished length of a media packet (in s)
---@field language? string of prompts, such as "en" or "fr"
---@field nat? boolean believe where packets come from rather than what they say (default true)

---Lets unknown callers in.
---
---Without it callers that are neither a phone nor a trunk are refused.
---
---Only while scripts are loaded.
---
---```lua
---context "public":extension("600", function(call) call:echo() end)
---sip.guests { from = "127.0.0.0/8", context = "public" }
---```
---@param settings sip.guests.settings who, and what they may reach
function sip.guests(settings) end

---@class sip.set.settings
---@field advertise? string address that peers outside of the local networks are told: the public one behind NAT
---@field local_nets? string|string[] networks where advertise is not needed
---@field realm? string of authentication (default "moonwire")
---@field digest? "md5"|"sha-256"|"sha-512-256"|("md5"|"sha-256"|"sha-512-256")[] what passwords are proven by, in order of offering; md5 alone where left out, since many phones fail over the offer of more
---@field user_agent? string name of this server in messages
---@field codecs? "ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16"|("ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16")[] in order of preference
---@field certificate? string PEM file, for tls
---@field key? string PEM file, for tls
---@field rtp_ports? string port range of media (default "10000-20000")

---Settings of SIP as a whole.
---
---Only while scripts are loaded.
---
---```lua
---sip.set { advertise = "203.0.113.7", local_nets = { "192.168.0.0/16" }, rtp_ports = "10000-10200" }
---```
---@param settings sip.set.settings settings
function sip.set(settings) end

---@class call.ring.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Tells the caller that it rings.
---
---```lua
---context "internal":extension("601", function(call)
---  call:ring()
---  call:wait(2)
---  call:answer()
---end)
---```
---@return call.ring.result result the outcome
function call_methods:ring() end

---@class call.progress.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Lets the caller hear before the call is answered.
---
---What is played afterwards is heard without the call being charged. Not every line can do it.
---
---```lua
---context "internal":extension("602", function(call)
---  call:progress()
---  call:play "ss-noservice"
---  call:hangup "unallocated"
---end)
---```
---@return call.progress.result result the outcome
function call_methods:progress() end

---@class call.answer.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Answers the call.
---
---Answering twice does nothing. Playing, reading and recording answer by themselves.
---
---```lua
---context "internal":extension("600", function(call)
---  call:answer()
---  call:echo()
---end)
---```
---@return call.answer.result result the outcome
function call_methods:answer() end

---@class call.hangup.cause
---@field cause? string|integer a cause of Q.850 by number or name: 17, "busy", "rejected", "unallocated", "congestion" (default "normal")
---@field status? integer exact SIP status of a refusal, such as 603
---@field reason? string in words, for the far end
---@field retry_after? number tells the far end when to try again (in s)

---Ends the call, and with it the script.
---
---A call that is not answered is refused with the cause. On a party that was dialled only that party's leg ends, and the script goes on.
---
---```lua
---context "internal":extension("_09XX", function(call) call:hangup "rejected" end)
---context "internal":extension("_08XX", function(call) call:hangup { status = 603, reason = "Not today" } end)
---```
---@param cause? string|integer|call.hangup.cause a cause of Q.850 by number or name, or a table (default "normal")
function call_methods:hangup(cause) end

---Refuses the call as busy, and ends the script.
---
---To a caller that was answered already the busy tone is played first.
---
---```lua
---context "internal":extension("603", function(call) call:busy() end)
---```
---@param seconds? number how long the tone is played (in s, default 10)
function call_methods:busy(seconds) end

---Refuses the call as congested, and ends the script.
---
---To a caller that was answered already the congestion tone is played first.
---
---```lua
---context "internal":extension("604", function(call) call:congestion() end)
---```
---@param seconds? number how long the tone is played (in s, default 10)
function call_methods:congestion(seconds) end

---Waits; keys that are pressed meanwhile are kept for the next read.
---
---```lua
---context "internal":extension("605", function(call) call:wait(1.5) end)
---```
---@param seconds number how long (in s)
function call_methods:wait(seconds) end

---@class call.echo.options
---@field seconds? number for so long; until the caller hangs up where left out (in s)
---@field terminators? string keys that end it (default "#")

---@class call.echo.result
---@field status "timeout"|"interrupted" the time is over, or a key was pressed
---@field key? string the key

---Sends back to the caller what he says.
---
---```lua
---context "internal":extension("600", function(call)
---  call:play "demo-echotest"
---  call:echo()
---  call:play "demo-echodone"
---end)
---```
---@param options? call.echo.options when to stop
---@return call.echo.result result what ended it
function call_methods:echo(options) end

---@class call.tone.options
---@field seconds? number how long, at most (in s, default 5)
---@field country? string whose tone: "fr", "de", "uk", "us" (default "us")
---@field interrupt? string|boolean true, or the keys that end it (default false)

---@class call.tone.result
---@field status "played"|"interrupted"|"missing"|"replaced"|"hungup"|"failed" the outcome in one word
---@field key? string that interrupted
---@field tried? string[] what was not found; the other prompts were played
---@field reason? string in words, where it failed

---Plays a tone.
---
---```lua
---context "internal":extension("606", function(call)
---  call:answer()
---  call:tone("busy", { seconds = 3, country = "fr" })
---end)
---```
---@param tone string "dial", "ringing", "busy", "congestion", "waiting", "information", "record", "beep", or steps such as "440+480/2000,0/4000"
---@param options? call.tone.options how
---@return call.tone.result result the outcome
function call_methods:tone(tone, options) end

---@class call.send_dtmf.options
---@field duration? number of each key (in s, default 0.1)
---@field gap? number between keys (in s, default 0.1)

---@class call.send_dtmf.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Presses keys towards the far end.
---
---```lua
---context "internal":extension("607", function(call)
---  call:answer()
---  call:send_dtmf "1w42#"
---end)
---```
---@param digits string 0-9 * # A-D, and w for half a second of pause
---@param options? call.send_dtmf.options how
---@return call.send_dtmf.result result the outcome
function call_methods:send_dtmf(digits, options) end

---@class call.hold.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Puts the far end on hold, or takes it back.
---
---```lua
---context "internal":extension("608", function(call)
---  call:answer()
---  call:hold()
---  call:wait(5)
---  call:hold(false)
---end)
---```
---@param on? boolean false takes it back (default true)
---@return call.hold.result result the outcome
function call_methods:hold(on) end

---@class call.identify.party
---@field number? string "" where it is not known
---@field name? string "" where it is not known
---@field presentation? "allowed"|"withheld"|"unavailable" whether the number may be shown

---@class call.identify.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Changes who is shown to the far end.
---
---```lua
---context "internal":extension("613", function(call)
---  call:identify { number = "1002", name = "Reception" }
---  call:answer()
---end)
---```
---@param party string|call.identify.party a number, or a table
---@return call.identify.result result the outcome
function call_methods:identify(party) end

---@class call.transfer.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Asks the far end to call another address instead of us.
---
---```lua
---context "internal":extension("609", function(call)
---  call:answer()
---  call:transfer "sip:1002@pbx.example.org"
---end)
---```
---@param to string the address
---@return call.transfer.result result the outcome
function call_methods:transfer(to) end

---@class call.redirect.result
---@field status "done"|"hungup"|"unsupported"|"failed" the outcome in one word
---@field reason? string in words, where it failed

---Answers a call that is not answered yet with another address.
---
---```lua
---context "internal":extension("610", function(call) call:redirect "sip:1002@pbx.example.org" end)
---```
---@param to string the address
---@return call.redirect.result result the outcome
function call_methods:redirect(to) end

---Runs a function after the call has ended, however it ends.
---
---Functions run in the reverse order of their adding. The line is gone by then: what plays or dials cannot be used, all else can.
---
---```lua
---context "internal":extension("611", function(call)
---  call:on_hangup(function() log.info("%s is gone", call.caller.number) end)
---  call:echo()
---end)
---```
---@param fn fun(call: call) cleans up
function call_methods:on_hangup(fn) end

---@class call.enter.result
---@field status "done"|"unallocated" whether there is such an extension

---Runs what another extension does, then comes back.
---
---```lua
---local internal = context "internal"
---internal:extension("612", function(call) call:enter "600" end)
---```
---@param extension string the number
---@param context? string where it is looked up; the call's own where left out
---@return call.enter.result result the outcome
function call_methods:enter(extension, context) end

---@class call.play.prompts
---@field [integer] string
---@field interrupt? string|boolean true lets any key end it, "12#" these; the key is in the result (default false)
---@field language? string the call's where left out
---@field skip? number leave out so much of the first prompt (in s, default 0)
---@field flush? boolean forget keys that were pressed before (default false)

---@class call.play.options
---@field interrupt? string|boolean true lets any key end it, "12#" these; the key is in the result (default false)
---@field language? string the call's where left out
---@field skip? number leave out so much of the first prompt (in s, default 0)
---@field flush? boolean forget keys that were pressed before (default false)

---@class call.play.result
---@field status "played"|"interrupted"|"missing"|"replaced"|"hungup"|"failed" the outcome in one word
---@field key? string that interrupted
---@field tried? string[] what was not found; the other prompts were played
---@field reason? string in words, where it failed

---Plays prompts, one after another.
---
---Prompts are named without extension and found in the call's language. A name with an extension is a recording, as the path of `call:record`. The call is answered first, unless `call:progress()` opened it. Keys pressed before and not read yet interrupt at once.
---
---```lua
---context "internal":extension("620", function(call)
---  call:play "welcome"
---  local result = call:play { "demo-menu", "beep", interrupt = true }
---  if result.status == "interrupted" then log.info("key %s", result.key) end
---end)
---```
---@param prompts string|call.play.prompts a name, a list of names, or a list with options in it
---@param options? call.play.options the same options, apart
---@return call.play.result result the outcome
function call_methods:play(prompts, options) end

---@class call.silence.options
---@field interrupt? string|boolean true lets any key end it, "12#" these; the key is in the result (default false)

---@class call.silence.result
---@field status "played"|"interrupted"|"missing"|"replaced"|"hungup"|"failed" the outcome in one word
---@field key? string that interrupted
---@field tried? string[] what was not found; the other prompts were played
---@field reason? string in words, where it failed

---Sends silence, as a pause between prompts.
---
---```lua
---context "internal":extension("621", function(call)
---  call:play "welcome"
---  call:silence(0.5)
---  call:play "vm-goodbye"
---end)
---```
---@param seconds number how long (in s)
---@param options? call.silence.options how
---@return call.silence.result result the outcome
function call_methods:silence(seconds, options) end

---@class call.say.what
---@field digits? string|number one after another; * and # too
---@field number? number as a quantity: 342, -7, 2.5
---@field ordinal? integer as a place: 3 is third
---@field letters? string spelt
---@field date? number day of the week, month, day and year of a time (in s)
---@field time? number hour and minute of a time (in s)
---@field datetime? number both (in s)
---@field duration? number in hours, minutes and seconds (in s)
---@field money? number an amount, to the cent: 12.5
---@field zone? string time zone of dates and times, such as "Europe/Paris"
---@field currency? string of money: "EUR"; in English USD, CAD, AUD, NZD, EUR, GBP, CHF and JPY have names, others are spelt (default "USD")
---@field interrupt? string|boolean true, or the keys that end it (default false)
---@field language? string the call's where left out

---@class call.say.result
---@field status "played"|"interrupted"|"missing"|"replaced"|"hungup"|"failed" the outcome in one word
---@field key? string that interrupted
---@field tried? string[] what was not found; the other prompts were played
---@field reason? string in words, where it failed

---Says numbers, letters, dates, times and amounts of money.
---
---The words are put together from prompts by the grammar of the call's language, which is the library module `say.` and the language; a site can bring its own.
---
---```lua
---context "internal":extension("650", function(call)
---  call:say { number = 342 }
---  call:say { digits = "1001", interrupt = true }
---  call:say { money = 12.5, currency = "EUR" }
---  call:say { datetime = time.now(), zone = "Europe/Paris" }
---end)
---```
---@param what call.say.what one of the kinds, and options
---@return call.say.result result the outcome
function call_methods:say(what) end

---@class call.read.options
---@field prompt? string|string[] played at each attempt
---@field max? integer digits; 0 is as many as come (default 0)
---@field min? integer digits that are needed (default 1)
---@field timeout? number from the end of the prompt to the first key (in s, default 5)
---@field digit_timeout? number from one key to the next (in s, default 3)
---@field attempts? integer how often to ask (default 1)
---@field terminators? string keys that end the number and are no part of it (default "#")
---@field pattern? string what is accepted, as in extensions: "_0[1-9]XXXXXXXX"
---@field invalid? string|string[] played after what is not accepted
---@field silent? string|string[] played when nothing was entered
---@field flush? boolean forget keys that were pressed before (default false)
---@field interrupt? boolean let keys end the prompt (default true)
---@field answer? boolean answer the call first; where there is a prompt, it is answered anyway (default true)
---@field language? string of the prompts; the call's where left out
---@field secret? boolean leave the keys out of the call's timeline, as for a PIN (default false)

---Asks for digits.
---
---The prompt is played, and ends with the first key. Reading ends with `max` digits, a terminator, a pause of `digit_timeout` between two keys, or, with a pattern, as soon as no longer number could match it. Nothing entered, or something that is too short or does not match, costs one of the attempts. The call is answered first.
---
---```lua
---context "internal":extension("630", function(call)
---  local digits, status = call:read { prompt = "enter-ext-of-person", max = 4, timeout = 5, attempts = 3 }
---  if digits then
---    call:say { digits = digits }
---  elseif status == "timeout" then
---    call:play "vm-goodbye"
---  end
---end)
---```
---@param options? call.read.options what to ask and what to accept
---@return (string|nil) digits nil where none were accepted
---@return ("complete"|"timeout"|"invalid"|"hungup")? status how the last attempt ended
---@return string? terminator the key that ended the number
function call_methods:read(options) end

---@class call.record.options
---@field path string where: "messages/17.wav"; the extension says in which format: wav, gsm, g722, ulaw, alaw, sln, sln16; .WAV is GSM in a wav file
---@field max? number longest recording (in s, default 3600)
---@field min? number what is shorter is dropped (in s, default 0)
---@field silence? number ends after so much silence; 0 is never (in s, default 0)
---@field level? number what is quieter is silence (in dBm0, default -42)
---@field beep? boolean play a beep first (default false)
---@field terminators? string keys that end it (default "#")
---@field review? boolean let the caller keep, hear or repeat it (default false)
---@field review_prompt? string|string[] played for the review; "vm-review" where left out
---@field rate? integer samples a second, for formats that leave the choice; with append, that of the file (in Hz, default 8000)
---@field append? boolean go on at the end of the file, if there is one (default false)
---@field pause? string keys that halt the recording and let it go on; what is said between is left out

---@class call.record.take
---@field status "recorded"|"short"|"failed"|"hungup" the outcome in one word
---@field path? string where it is; `call:play` plays it
---@field duration? number of the sound (in s)
---@field added? number of the sound that was appended (in s)
---@field lost? number of the sound that is missing because the disk was too slow; nil where none is (in s)
---@field ended_by? "key"|"silence"|"limit"|"hangup" what ended it
---@field key? string the key that ended it
---@field reason? string in words, where it failed

---Records what the caller says.
---
---The file is written below the server's recordings folder and appears there when it is whole and on the disk. It ends with a terminator, silence, the limit or the hang-up of the caller; with `review` the caller may then keep it (1), hear it (2) or record it again (3). The call is answered first. With `append` a recording that is there already goes on at its end; it must have been recorded here, at the same rate, and no other call may be adding to it. `duration` is then that of the whole file, `added` that of the new part, and `min`, `max` and the review mean the new part. When the disk is full the recording ends with `failed`; what was written before is kept, as `path` then says, unless it would replace a file.
---
---```lua
---context "internal":extension("640", function(call)
---  local take = call:record { path = "messages/" .. call.id .. ".wav", max = 120, silence = 3, beep = true, review = true }
---  if take.status == "recorded" then call:play(take.path) end
---end)
---```
---@param options call.record.options where and how long
---@return call.record.take take the recording
function call_methods:record(options) end

---@class call.dial.targets.caller
---@field number? string "" where it is not known
---@field name? string "" where it is not known
---@field presentation? "allowed"|"withheld"|"unavailable" whether the number may be shown

---@class call.dial.targets
---@field [integer] string
---@field timeout? number how long to let it ring; with hunt, each (in s, default 60)
---@field hunt? boolean call the targets one after the other instead of all at once (default false)
---@field ringback? string|boolean what the caller hears meanwhile: true for the ringing of his own phone, "tone" for a tone from here, false for nothing, or the name of a prompt (default true)
---@field country? string of the ringing tone (default "us")
---@field early_media? boolean let the caller hear what a single target sends before it answers (default true)
---@field caller? string|call.dial.targets.caller shown to the target instead of the caller: a number, or a table
---@field headers? table<string, string> further protocol headers
---@field codecs? "ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16"|("ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16")[] instead of those of the phone or trunk
---@field language? string given to the other leg; the call's where left out
---@field digits? string keys to press as soon as it answers
---@field cancel_on? string keys with which the caller stops the ringing
---@field each? fun(target: string): any runs before a target is called; may return what is different for it, in a table: headers, caller, codecs
---@field on_called? fun(peer: call, target: string) runs on each party that is being called, as soon as there is one
---@field cancel_cause? string|integer told to those who are not answered any more: a cause of Q.850 by number or name; normal, or "answered elsewhere" (26), where left out
---@field on_answer? fun(peer: call): any runs on the party that answered before the two are connected; return false to let it go
---@field bridge? boolean false does not connect the two: result.peer is the party, for call:bridge (default true)
---@field answer? boolean with bridge = false: whether the caller is answered when the other party is (default true)
---@field on_digit? fun(key: string, from: string): any runs for each key while the parties talk; from is "caller" or "called"; return "hangup" to part them, see keep
---@field hangup_on? string keys with which the caller parts from the other party
---@field limit? number longest time to talk; 0 is no limit (in s, default 0)
---@field keep? boolean do not hang the other party up where a key or the limit parts the two: it may be connected again (default false)
---@field transfer_context? string|boolean where the number of a blind transfer is looked up: a context; true for the one that the party who asks dials in; false forbids transfers. When the called party asks for one, the extension is run for the caller; when the caller asks, he leaves, and the extension is run for the called party, as a call of its own. A number that does not exist is refused, and the two talk on. Where true says nothing, of a dialled address that is no phone and no trunk, the wish ends the talk and is told in result.transfer (default true)

---@class call.dial.options.caller
---@field number? string "" where it is not known
---@field name? string "" where it is not known
---@field presentation? "allowed"|"withheld"|"unavailable" whether the number may be shown

---@class call.dial.options
---@field timeout? number how long to let it ring; with hunt, each (in s, default 60)
---@field hunt? boolean call the targets one after the other instead of all at once (default false)
---@field ringback? string|boolean what the caller hears meanwhile: true for the ringing of his own phone, "tone" for a tone from here, false for nothing, or the name of a prompt (default true)
---@field country? string of the ringing tone (default "us")
---@field early_media? boolean let the caller hear what a single target sends before it answers (default true)
---@field caller? string|call.dial.options.caller shown to the target instead of the caller: a number, or a table
---@field headers? table<string, string> further protocol headers
---@field codecs? "ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16"|("ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16")[] instead of those of the phone or trunk
---@field language? string given to the other leg; the call's where left out
---@field digits? string keys to press as soon as it answers
---@field cancel_on? string keys with which the caller stops the ringing
---@field each? fun(target: string): any runs before a target is called; may return what is different for it, in a table: headers, caller, codecs
---@field on_called? fun(peer: call, target: string) runs on each party that is being called, as soon as there is one
---@field cancel_cause? string|integer told to those who are not answered any more: a cause of Q.850 by number or name; normal, or "answered elsewhere" (26), where left out
---@field on_answer? fun(peer: call): any runs on the party that answered before the two are connected; return false to let it go
---@field bridge? boolean false does not connect the two: result.peer is the party, for call:bridge (default true)
---@field answer? boolean with bridge = false: whether the caller is answered when the other party is (default true)
---@field on_digit? fun(key: string, from: string): any runs for each key while the parties talk; from is "caller" or "called"; return "hangup" to part them, see keep
---@field hangup_on? string keys with which the caller parts from the other party
---@field limit? number longest time to talk; 0 is no limit (in s, default 0)
---@field keep? boolean do not hang the other party up where a key or the limit parts the two: it may be connected again (default false)
---@field transfer_context? string|boolean where the number of a blind transfer is looked up: a context; true for the one that the party who asks dials in; false forbids transfers. When the called party asks for one, the extension is run for the caller; when the caller asks, he leaves, and the extension is run for the called party, as a call of its own. A number that does not exist is refused, and the two talk on. Where true says nothing, of a dialled address that is no phone and no trunk, the wish ends the talk and is told in result.transfer (default true)

---@class call.dial.result
---@field status "answered"|"busy"|"noanswer"|"cancelled"|"congestion"|"unavailable"|"failed" the outcome in one word, as Asterisk's DIALSTATUS
---@field cause? number why the last attempt or the talk ended (Q.850)
---@field sip? number SIP status of a refusal
---@field reason? string in words
---@field answered_by? string the target that answered
---@field duration? number from dialling to the end (in s)
---@field talk_time? number from the answer to the end (in s)
---@field ended_by? "called"|"caller"|"limit" who ended the talk
---@field key? string that cancelled the ringing
---@field transfer? string where the other party asked to be transferred to, when it did
---@field peer? call the party that answered, with bridge = false

---Calls one or more targets and connects the caller with the one that answers first.
---
---A target is the kind of line, a slash and an address: "sip/1001" for a phone, "sip/0123456789@ovh" for a number through a trunk. Comes back when the other party has hung up or nobody answered; if the caller hangs up, the script ends and all that rings is cancelled.
---
---```lua
---context "internal":extension("_1XXX", function(call)
---  local result = call:dial("sip/" .. call.extension, { timeout = 20 })
---  if result.status == "busy" then
---    call:busy()
---  elseif result.status ~= "answered" then
---    call:play "vm-goodbye"
---  end
---end)
---
---context "internal":extension("group", function(call)
---  call:dial { "sip/1001", "sip/1002", timeout = 15, hunt = true }
---end)
---```
---@param targets string|call.dial.targets a target, a list of targets, or a list with options in it
---@param options? call.dial.options the same options, apart
---@return call.dial.result result the outcome
function call_methods:dial(targets, options) end

---@class call.bridge.options
---@field on_digit? fun(key: string, from: string): any runs for each key while the parties talk; from is "caller" or "called"; return "hangup" to part them, see keep
---@field hangup_on? string keys with which the caller parts from the other party
---@field limit? number longest time to talk; 0 is no limit (in s, default 0)
---@field keep? boolean do not hang the other party up where a key or the limit parts the two: it may be connected again (default false)
---@field transfer_context? string|boolean where the number of a blind transfer is looked up: a context; true for the one that the party who asks dials in; false forbids transfers. When the called party asks for one, the extension is run for the caller; when the caller asks, he leaves, and the extension is run for the called party, as a call of its own. A number that does not exist is refused, and the two talk on. Where true says nothing, of a dialled address that is no phone and no trunk, the wish ends the talk and is told in result.transfer (default true)

---@class call.bridge.result
---@field status "answered"|"busy"|"noanswer"|"cancelled"|"congestion"|"unavailable"|"failed" the outcome in one word, as Asterisk's DIALSTATUS
---@field cause? number why the last attempt or the talk ended (Q.850)
---@field sip? number SIP status of a refusal
---@field reason? string in words
---@field answered_by? string the target that answered
---@field duration? number from dialling to the end (in s)
---@field talk_time? number from the answer to the end (in s)
---@field ended_by? "called"|"caller"|"limit" who ended the talk
---@field key? string that cancelled the ringing
---@field transfer? string where the other party asked to be transferred to, when it did
---@field peer? call the party that answered, with bridge = false

---Connects the caller with another party until one of them leaves.
---
---```lua
---context "internal":extension("660", function(call)
---  local result = call:dial("sip/1001", { bridge = false })
---  if result.status == "answered" then
---    result.peer:play "beep"
---    call:bridge(result.peer)
---  end
---end)
---```
---@param peer call from call:dial with bridge = false
---@param options? call.bridge.options while they talk
---@return call.bridge.result result the outcome
function call_methods:bridge(peer, options) end

---Does several things at once, and waits until all are done.
---
---Each function gets the call and runs until it waits for something; then the next one goes on, so that only one runs at any moment and none needs a lock. What one of them changes, the others see. An error in one cancels the others and is raised here. A hang-up ends all of them, and the script. They may use call:all and call:race in turn. What is cancelled ends in whatever it waits for, which it cannot catch: what it plays or records stops, whom it dials or has dialled is hung up, its timers are forgotten. A recording that is cancelled is kept as far as it has come. Where they want the same thing of one party: a sound takes the place of another, whose player gets the status "replaced"; connecting the party with another does so too, and a second connection fails; a key goes to the function that began last to wait for it, a key that nobody waits for to the next read; any number may record.
---
---```lua
---context "internal":extension("662", function(call)
---  local take, digits = call:all {
---    function() return call:record { path = "orders/" .. call.id .. ".wav", max = 60 } end,
---    function() return call:read { max = 4, timeout = 20, terminators = "" } end,
---  }
---  log.info("%s, order %s", take.status, tostring(digits))
---end)
---```
---@param functions (fun(call: call): ...)[] what to do, at most 16
---@return any first what the first function returned
---@return any? second what the second returned, and so on: one value each
function call_methods:all(functions) end

---Does several things at once until the first is done, and cancels the others.
---
---Each function gets the call and runs until it waits for something; then the next one goes on, so that only one runs at any moment and none needs a lock. What one of them changes, the others see. An error in one cancels the others and is raised here. A hang-up ends all of them, and the script. They may use call:all and call:race in turn. What is cancelled ends in whatever it waits for, which it cannot catch: what it plays or records stops, whom it dials or has dialled is hung up, its timers are forgotten. A recording that is cancelled is kept as far as it has come. Where they want the same thing of one party: a sound takes the place of another, whose player gets the status "replaced"; connecting the party with another does so too, and a second connection fails; a key goes to the function that began last to wait for it, a key that nobody waits for to the next read; any number may record.
---
---```lua
---context "internal":extension("663", function(call)
---  local first, result = call:race {
---    function() while true do call:play "pls-wait-connect-call" end end,
---    function() return call:dial { "sip/1001", "sip/1002", timeout = 30, bridge = false } end,
---    function() return call:read { max = 1, timeout = 60 } end,
---  }
---  if first == 2 and result.status == "answered" then call:bridge(result.peer) end
---end)
---```
---@param functions (fun(call: call): ...)[] what to do, from 1 to 16
---@return integer index which of the functions was done first
---@return any? result what it returned; all its values follow
function call_methods:race(functions) end

---@class calls.calls.item.caller
---@field number? string "" where it is not known
---@field name? string "" where it is not known

---@class calls.calls.item
---@field id? string as on every line of the log
---@field caller? calls.calls.item.caller who calls
---@field extension? string the number that was dialled
---@field context? string where it was looked up
---@field peer? string the phone or trunk, "" for guests
---@field state? string "trying", "ringing", "early", "answered" or "ended"
---@field began? number when it came (in s)
---@field duration? number since then (in s)
---@field version? number of the scripts that serve it

---Lists the calls that scripts serve now, oldest first.
---
---```lua
---context "internal":extension("685", function(call)
---  call:answer()
---  call:say { number = #calls() }
---end)
---```
---@return calls.calls.item[] calls what they were when this was asked
function calls() end

---@class originate.options.caller
---@field number? string "" where it is not known
---@field name? string "" where it is not known
---@field presentation? "allowed"|"withheld"|"unavailable" whether the number may be shown

---@class originate.options
---@field target string whom to call, as for call:dial: "sip/1001"
---@field context? string where the extension is looked up
---@field extension? string the number to run when the target answers
---@field app? string a method of calls to run instead
---@field args? (string|number|boolean)[] its arguments
---@field timeout? number how long to let it ring (in s, default 30)
---@field caller? string|originate.options.caller shown to the target, and the caller of the new call: a number, or a table; the extension and the target's own number where left out
---@field variables? table<string, string|number|boolean> what call.vars begins with
---@field headers? table<string, string> further protocol headers
---@field codecs? "ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16"|("ulaw"|"alaw"|"g722"|"gsm"|"g726"|"g729"|"ilbc"|"speex"|"opus"|"l16")[] instead of those of the phone or trunk
---@field language? string of prompts (default "en")
---@field wait? boolean false comes back at once, with the status begun; what came of it is told to the functions of on("originated") (default true)
---@field tag? string given to those functions

---@class originate.result
---@field status "answered"|"busy"|"noanswer"|"congestion"|"unavailable"|"invalid"|"begun" the outcome in one word
---@field id? string of the new call, where it was answered
---@field cause? number why it was not answered (Q.850)
---@field sip? number SIP status of a refusal
---@field reason? string in words
---@field duration? number until that was known (in s)

---Calls a target and, when it answers, runs a number of the dialplan for it.
---
---Comes back as soon as it is known whether the target answers; the call then goes on by itself, with the target as its caller. Instead of context and extension, app names a method of calls to run: `originate { target = "sip/1001", app = "play", args = { "welcome" } }`. If the script that originates ends before the answer, the target stops ringing.
---
---```lua
---timer.every(86400, function()
---  local result = originate { target = "sip/1001", context = "internal", extension = "600", timeout = 20 }
---  log.info("the wake-up call was %s", result.status)
---end)
---
---context "internal":extension("600", function(call) call:play "welcome" end)
---```
---@param options originate.options whom to call, and what for
---@return originate.result result whether it answered
function originate(options) end

---@class call.agi.target
---@field [integer] string
---@field audio? boolean EAGI: the program hears the call on its descriptor 3 (default false)

---@class call.agi.result
---@field status "done"|"failed"|"timeout"|"missing"|"refused" the outcome in one word
---@field code? number that the program ended with
---@field reason? string in words, where it failed
---@field context? string that it set: where it wants the call to go on
---@field extension? string that it set
---@field priority? string that it set

---Lets an AGI program, as written for Asterisk, serve the call.
---
---The program is one of the site's folder agi-bin, of a granted folder, or a path; or `agi://host:port/script` (FastAGI), or `hagi://domain/script`, whose servers are found by SRV records. Programs must be granted, and hosts as `tcp`. `lookup.lua` is the site's module agi-bin/lookup.lua and runs in process, as a function does. Variables are those of a translated dialplan, or call.vars. When the call ends the program gets SIGHUP and may go on without the line until it ends; the script does not come back then. After the end of the call, in `on_hangup`, it serves as DeadAGI does. The library module `agi` holds the commands, and a site can bring its own.
---
---```lua
---grant { programs = "agi-bin/*", tcp = "127.0.0.1:4573" }
---context "internal":extension("728", function(call)
---  call.vars.language = "en"
---  call:agi("lookup.agi", call.caller.number)
---  call:agi "agi://127.0.0.1:4573/route"
---end)
---```
---@param target string|fun(agi: any, ...: any)|call.agi.target the program: "lookup.agi", "agi://127.0.0.1:4573/route"; a function; or a list with the program, its arguments and options
---@param ... string|number for the program
---@return call.agi.result result the outcome
function call_methods:agi(target, ...) end

---@class call.hand_over.options
---@field extension string the number to run
---@field context? string where it is looked up; the call's own where left out
---@field variables? table<string, string|number|boolean> what call.vars of the new call begins with
---@field when? "now"|"left" at once, or when the script's own call ends (default "now")

---@class call.hand_over.result
---@field status "done"|"unallocated"|"hungup" the outcome in one word

---Lets a party that was dialled go on by itself, as if it had dialled a number.
---
---It becomes a call of its own, with a script of its own; here it has ended. With when = "left" it only goes on where the script's own call ends before it: while the two talk, or after the script has let it wait.
---
---```lua
---context "internal":extension("661", function(call)
---  local result = call:dial("sip/1001", { bridge = false })
---  if result.status == "answered" then
---    result.peer:hand_over { extension = "600", when = "left" }
---    call:bridge(result.peer)
---  end
---end)
---
---context "internal":extension("600", function(call) call:play "vm-goodbye" end)
---```
---@param options call.hand_over.options where it goes on
---@return call.hand_over.result result the outcome
function call_methods:hand_over(options) end

---@class lock.take.options
---@field timeout? number longest wait; 0 does not wait (in s, default 3)

---Waits until no other script holds a name, and holds it.
---
---What the script holds already it holds once more, and must let go of as often. All is let go when the script ends. Locks are of this server, and of no other that shares its store.
---
---```lua
---context "internal":extension("664", function(call)
---  if lock.take("door", { timeout = 10 }) then
---    call:dial "sip/1001"
---    lock.release "door"
---  end
---end)
---```
---@param name string any name
---@param options? lock.take.options how long to wait
---@return boolean taken false where another script holds it still
function lock.take(name, options) end

---Lets go of a name.
---
---```lua
---context "internal":extension("665", function()
---  if lock.take "counter" then
---    store.put("counters", "visits", (tonumber(store.get("counters", "visits")) or 0) + 1)
---    lock.release "counter"
---  end
---end)
---```
---@param name string as it was taken
---@return boolean held false where this script did not hold it
function lock.release(name) end

---@class phones.phones.item
---@field name? string as it was declared
---@field registered? boolean whether it can be called
---@field state? "idle"|"ringing"|"inuse"|"hold"|"unavailable" unavailable where it is not registered and has no call
---@field calls? integer those that it talks on or makes
---@field ringing? integer those that it has not answered

---Lists the phones of the site and what each is doing now.
---
---```lua
---context "internal":extension("686", function(call)
---  for _, phone in ipairs(phones()) do
---    if phone.state == "idle" then return call:dial("sip/" .. phone.name) end
---  end
---  call:play "all-circuits-busy-now"
---end)
---```
---@return phones.phones.item[] phones in the order of their declaration
function phones() end

---Reads a value that calls share.
---
---```lua
---context "internal":extension("680", function(call)
---  local name = store.get("cidname", call.caller.number)
---  if name then call.caller.name = name end
---end)
---```
---@param family string a group of keys
---@param key string any text
---@param default? any given where there is none
---@return (string|nil) value nil where there is none
---@return string? reason why reading failed
function store.get(family, key, default) end

---@class store.put.options
---@field ttl? number forget it after so long; 0 is never (in s, default 0)

---Keeps a value that calls share.
---
---Comes back when the value is safe on the disk. Values are text; numbers and booleans become text, tables need json.encode.
---
---```lua
---context "internal":extension("681", function(call)
---  store.put("lastcall", call.extension, call.caller.number, { ttl = 86400 })
---end)
---```
---@param family string a group of keys
---@param key string any text
---@param value string|number|boolean what to keep
---@param options? store.put.options how long
---@return boolean done false where it failed
---@return string? reason why it failed
function store.put(family, key, value, options) end

---Forgets a value.
---
---```lua
---context "internal":extension("682", function(call) store.delete("lastcall", call.extension) end)
---```
---@param family string a group of keys
---@param key string any text
---@return boolean done false where it failed
---@return string? reason why it failed
function store.delete(family, key) end

---Forgets a key and all keys below it, or a whole family.
---
---```lua
---context "internal":extension("685", function(call) store.delete_tree("lastcall", call.extension) end)
---```
---@param family string a group of keys
---@param root? string this key and those that begin with it and a slash; all keys where left out
---@return (integer|nil) count how many there were
---@return string? reason why it failed
function store.delete_tree(family, root) end

---Lists the keys of a family.
---
---```lua
---context "internal":extension("683", function(call)
---  for _, key in ipairs(store.keys "lastcall") do log.info("%s", key) end
---end)
---```
---@param family string a group of keys
---@param prefix? string only those that begin so
---@return (string[]|nil) keys in order
---@return string? reason why listing failed
function store.keys(family, prefix) end

---Counts: adds to a number, however many calls do so at once.
---
---```lua
---context "internal":extension("684", function(call) call:say { number = store.add("visits", "684") } end)
---```
---@param family string a group of keys
---@param key string any text
---@param delta? integer what to add (default 1)
---@return (number|nil) sum the new number
---@return string? reason why it failed
function store.add(family, key, delta) end

---Runs a function beside the calls whenever a value of a family changes.
---
---Only while scripts are loaded.
---
---```lua
---store.watch("config", function(change) log.info("%s is now %s", change.key, change.value) end)
---```
---@param family string a group of keys
---@param fn fun(change: table) gets `family`, `key`, and `value`, which is nil when it was deleted
function store.watch(family, fn) end

---Writes a line that is only wanted when looking for a mistake.
---
---The line carries the call's id and the script's file and line. `%s` takes any value, `%d` a number, `%q` a value in quotes.
---
---```lua
---log.debug("%s calls %s", "1001", "600")
---```
---@param format any the text, with % marks as in string.format
---@param ... any for the marks
function log.debug(format, ...) end

---Writes a line about something that happened.
---
---The line carries the call's id and the script's file and line. `%s` takes any value, `%d` a number, `%q` a value in quotes.
---
---```lua
---log.info("%s calls %s", "1001", "600")
---```
---@param format any the text, with % marks as in string.format
---@param ... any for the marks
function log.info(format, ...) end

---Writes a line about something that should not be so.
---
---The line carries the call's id and the script's file and line. `%s` takes any value, `%d` a number, `%q` a value in quotes.
---
---```lua
---log.warn("%s calls %s", "1001", "600")
---```
---@param format any the text, with % marks as in string.format
---@param ... any for the marks
function log.warn(format, ...) end

---Writes a line about something that failed.
---
---The line carries the call's id and the script's file and line. `%s` takes any value, `%d` a number, `%q` a value in quotes.
---
---```lua
---log.error("%s calls %s", "1001", "600")
---```
---@param format any the text, with % marks as in string.format
---@param ... any for the marks
function log.error(format, ...) end

---@class trace.step.step
---@field app string what is done
---@field args? string with what
---@field context? string the context that the call is in; the call's where left out
---@field extension? string the number; the call's where left out
---@field priority? integer place in the extension
---@field pattern? string the extension as it is written
---@field found_in? string the context that it is written in
---@field file? string where it is written; the script's place where left out
---@field line? integer the line there

---Notes a step in the story of the call.
---
---Functions of this API note themselves. This is for libraries that bring a language of steps of their own, such as a translated dialplan.
---
---```lua
---context "internal":extension("690", function(call)
---  trace.step { app = "NoOp", args = "hello", priority = 1 }
---end)
---```
---@param step trace.step.step what is about to be done
---@param party? string|call who it is done for, or the name of a line that there is not; the call itself where left out
function trace.step(step, party) end

---Notes in the story of the call that a variable has a new value.
---
---```lua
---context "internal":extension("691", function(call) trace.variable("DIALSTATUS", "BUSY") end)
---```
---@param name string its name
---@param value? any its value; nil where it is gone
function trace.variable(name, value) end

---Runs a function some time from now, while the script waits in another.
---
---The function runs in the script's own call, between the moments of whatever it waits for; it is forgotten when the script ends.
---
---```lua
---context "internal":extension("670", function(call)
---  local cancel = timer.after(30, function() log.warn "this takes long" end)
---  call:read { prompt = "demo-menu", max = 1 }
---  cancel()
---end)
---```
---@param seconds number from now (in s)
---@param fn fun() what to run
---@return (fun()) cancel forgets it
function timer.after(seconds, fn) end

---Runs a function again and again, beside the calls.
---
---A run that is still under way when the next is due is not disturbed; the next is left out. A new version of the scripts starts its own timers and ends those of the old.
---
---Only while scripts are loaded.
---
---```lua
---timer.every(60, function() log.debug "still here" end)
---```
---@param seconds number from the start of one to the next, at least 1 (in s)
---@param fn fun() what to run
function timer.every(seconds, fn) end

---The present time.
---
---```lua
---local began = time.now()
---log.info("%.1f s", time.now() - began)
---```
---@return number seconds since 1970, with a fraction (in s)
function time.now() end

---@class time.date.date
---@field year integer such as 2026
---@field month integer 1 to 12
---@field day integer 1 to 31
---@field hour? integer 0 to 23
---@field min? integer 0 to 59
---@field sec? number 0 to 59
---@field wday? integer day of the week, 1 is Sunday
---@field yday? integer day of the year, from 1
---@field zone? string short name of the zone

---The parts of a time.
---
---```lua
---if time.date().hour < 12 then log.info "good morning" end
---```
---@param seconds? number since 1970; now where left out (in s)
---@param zone? string such as "Europe/Paris" or "UTC"; the machine's where left out
---@return time.date.date date its parts
function time.date(seconds, zone) end

---@class time.of.date
---@field year integer such as 2026
---@field month integer 1 to 12
---@field day integer 1 to 31
---@field hour? integer 0 to 23
---@field min? integer 0 to 59
---@field sec? number 0 to 59
---@field wday? integer day of the week, 1 is Sunday
---@field yday? integer day of the year, from 1
---@field zone? string short name of the zone

---The time of a date.
---
---```lua
---local christmas = time.of({ year = 2026, month = 12, day = 25 }, "Europe/Paris")
---```
---@param date time.of.date year, month and day, and what is known beside
---@param zone? string such as "Europe/Paris" or "UTC"; the machine's where left out
---@return number seconds since 1970 (in s)
function time.of(date, zone) end

---Writes a time as text.
---
---```lua
---log.info(time.format(time.now(), "%d/%m/%y %H:%M"))
---```
---@param seconds? number since 1970; now where left out (in s)
---@param format? string marks of strftime: %Y %m %d %H %M %S %y %j %a %A %b %B %e %I %l %p %Z %z %s %F %T %D %R %u %w %n %t %% (default "%Y-%m-%d %H:%M:%S")
---@param zone? string such as "Europe/Paris" or "UTC"; the machine's where left out
---@return string text the text
function time.format(seconds, format, zone) end

---Reads a time from text.
---
---```lua
---local t, reason = time.parse("2026-03-04 18:30", "%Y-%m-%d %H:%M", "UTC")
---```
---@param text string what to read
---@param format? string the marks %Y %m %d %H %M %S %y %j %a %A %b %B %e %I %p %z %Z %F %T %D %R of strftime (default "%Y-%m-%d %H:%M:%S")
---@param zone? string such as "Europe/Paris" or "UTC"; the machine's where left out
---@return (number|nil) seconds since 1970; nil where the text is not so (in s)
---@return string? reason what is wrong with it
function time.parse(text, format, zone) end

---Writes a value as JSON.
---
---A table with a list part becomes an array, any other an object with its names sorted; an empty one becomes `{}`.
---
---```lua
---log.info(json.encode { caller = "1001", digits = { 1, 2, 3 } })
---```
---@param value any numbers, strings, booleans, and tables of them
---@return (string|nil) text nil where the value cannot be written
---@return string? reason why not
function json.encode(value) end

---Reads JSON.
---
---`null` becomes nil.
---
---```lua
---local order, reason = json.decode '{"id": 7}'
---if order then log.info("order %d", order.id) else log.warn("no order: %s", reason) end
---```
---@param text string at most 8 MiB
---@return any value nil where the text is not JSON
---@return string? reason what is wrong with it, and where
function json.decode(text) end

---@class http.get.options
---@field headers? table<string, string> of the request
---@field timeout? number for the whole exchange (in s, default 10)
---@field limit? integer longest answer, at most 8 MiB (in bytes, default 4194304)
---@field redirects? integer how many to follow; each must be granted (default 5)
---@field user? string of basic authentication
---@field password? string of basic authentication

---@class http.get.answer
---@field status "ok"|"refused"|"timeout"|"too_large"|"denied"|"failed" the outcome in one word
---@field code? number of HTTP
---@field body? string of the answer
---@field headers? table<string, string> of the answer, names in small letters
---@field reason? string in words, where it failed

---Fetches a page; the call waits, others do not.
---
---```lua
---grant { http = "crm.example.org" }
---context "internal":extension("710", function(call)
---  local answer = http.get("https://crm.example.org/name?number=" .. url.encode(call.caller.number), { timeout = 2 })
---  if answer.status == "ok" then call.caller.name = answer.body end
---end)
---```
---@param url string http or https, of a granted host
---@param options? http.get.options how
---@return http.get.answer answer the outcome
function http.get(url, options) end

---@class http.post.options
---@field headers? table<string, string> of the request
---@field timeout? number for the whole exchange (in s, default 10)
---@field limit? integer longest answer, at most 8 MiB (in bytes, default 4194304)
---@field redirects? integer how many to follow; each must be granted (default 5)
---@field user? string of basic authentication
---@field password? string of basic authentication

---@class http.post.answer
---@field status "ok"|"refused"|"timeout"|"too_large"|"denied"|"failed" the outcome in one word
---@field code? number of HTTP
---@field body? string of the answer
---@field headers? table<string, string> of the answer, names in small letters
---@field reason? string in words, where it failed

---Sends to a page; the call waits, others do not.
---
---```lua
---grant { http = "crm.example.org" }
---context "internal":extension("711", function(call)
---  http.post("https://crm.example.org/calls", { from = call.caller.number })
---end)
---```
---@param url string http or https, of a granted host
---@param body? string|table<string, any> text, or a table that is sent as JSON
---@param options? http.post.options how
---@return http.post.answer answer the outcome
function http.post(url, body, options) end

---@class http.request.options
---@field headers? table<string, string> of the request
---@field timeout? number for the whole exchange (in s, default 10)
---@field limit? integer longest answer, at most 8 MiB (in bytes, default 4194304)
---@field redirects? integer how many to follow; each must be granted (default 5)
---@field user? string of basic authentication
---@field password? string of basic authentication

---@class http.request.answer
---@field status "ok"|"refused"|"timeout"|"too_large"|"denied"|"failed" the outcome in one word
---@field code? number of HTTP
---@field body? string of the answer
---@field headers? table<string, string> of the answer, names in small letters
---@field reason? string in words, where it failed

---Any HTTP request.
---
---```lua
---grant { http = "crm.example.org" }
---context "internal":extension("712", function(call)
---  http.request("DELETE", "https://crm.example.org/calls/7")
---end)
---```
---@param method "GET"|"HEAD"|"POST"|"PUT"|"PATCH"|"DELETE" what to do
---@param url string http or https, of a granted host
---@param body? string|table<string, any> text, or a table that is sent as JSON
---@param options? http.request.options how
---@return http.request.answer answer the outcome
function http.request(method, url, body, options) end

---@class http.post_async.options
---@field headers? table<string, string> of the request
---@field timeout? number for the whole exchange (in s, default 10)
---@field limit? integer longest answer, at most 8 MiB (in bytes, default 4194304)
---@field redirects? integer how many to follow; each must be granted (default 5)
---@field user? string of basic authentication
---@field password? string of basic authentication

---Sends to a page without waiting for the answer.
---
---Requests wait in line, a few are under way at once; when the line is full or a request fails, that is logged.
---
---```lua
---grant { http = "crm.example.org" }
---on("call.ended", function(record) http.post_async("https://crm.example.org/calls", record) end)
---```
---@param url string http or https, of a granted host
---@param body? string|table<string, any> text, or a table that is sent as JSON
---@param options? http.post_async.options how
---@return boolean done false where it failed
---@return string? reason why it failed
function http.post_async(url, body, options) end

---@class re.match.options
---@field longest? boolean of what begins at the same place take the longest, as POSIX does, instead of the first alternative (default false)

---Looks for a regular expression in a text.
---
---Expressions are RE2: their time is linear in the text, so none can hang; all functions here take texts of up to 1 MiB. `[0]` is all that matched, `[1]` and on are the groups, and groups with a name `(?P<name>…)` are there by name too.
---
---```lua
---local m = re.match("0033612345678", "^(?:00|\\+)(33)(\\d+)$")
---if m then log.info("country %s, number %s", m[1], m[2]) end
---```
---@param text string where to look
---@param pattern string what to look for
---@param options? re.match.options how
---@return (table<string, any>|nil) groups nil where it is not there
function re.match(text, pattern, options) end

---Lists all that matches a regular expression.
---
---```lua
---for _, number in ipairs(re.find_all("call 1001 or 1002", "\\d+")) do log.info(number) end
---```
---@param text string where to look
---@param pattern string what to look for
---@param limit? integer stop after so many (default 1000)
---@return string[] matches in order
function re.find_all(text, pattern, limit) end

---Replaces all that matches a regular expression.
---
---```lua
---local national = re.replace("+33612345678", "^\\+33", "0")
---```
---@param text string where to look
---@param pattern string what to look for
---@param replacement string `$1` or `${name}` stand for groups
---@return string text the new text
function re.replace(text, pattern, replacement) end

---Cuts a text wherever a regular expression matches.
---
---```lua
---local fields = re.split("1001;Front desk;finance", ";")
---```
---@param text string what to cut
---@param pattern string where to cut
---@return string[] parts in order; empty ones are kept
function re.split(text, pattern) end

---Calculates with 64 binary digits, which Lua's own numbers have not.
---
---Numbers are text. Whole numbers of up to 18 digits stay exact, and 0.1 + 0.2 is 0.3 when it is shown with `precise.format`. Operations of two numbers: add, subtract, multiply, divide, remainder (with the sign of the first), remainder_nearest, power, atan2; of one: negate, abs, trunc, floor, ceil, round (halves away from zero), rint (halves to the even one), sqrt, exp, exp2, exp10, log, log2, log10, sin, cos, tan, asin, acos, atan.
---
---```lua
---local sum = precise.calculate("add", "123456789012345678", "1")
---log.info(precise.format(sum))
---```
---@param operation string what to do
---@param a string|number a number
---@param b? string|number another, for operations of two
---@return (string|nil) result so exact that it can be calculated with on; inf, -inf and -nan where there is no number
---@return string? reason why there is none
function precise.calculate(operation, a, b) end

---Compares two numbers that are text.
---
---```lua
---if precise.compare("0.30", "0.3") == 0 then log.info "the same" end
---```
---@param a string|number a number
---@param b string|number another
---@return (integer|nil) order -1, 0 or 1 as a is less than, equal to or greater than b
---@return string? reason why there is none
function precise.compare(a, b) end

---Shows a number with so many digits.
---
---```lua
---log.info(precise.format(precise.calculate("divide", "1", "3"), 6))
---```
---@param a string|number a number
---@param digits? integer that count, from 1 to 1000 (default 18)
---@return string text as %g of string.format would; what is no number stays as it is
function precise.format(a, digits) end

---Reads a file within a granted folder.
---
---```lua
---grant { read = "/srv/lists" }
---context "internal":extension("690", function(call)
---  local list, reason = fs.read "/srv/lists/vip.txt"
---  if not list then log.warn("no list: %s", reason) end
---end)
---```
---@param path string absolute, within a granted folder
---@return (string|nil) content nil where it cannot be read; at most 8 MiB
---@return string? reason why not
function fs.read(path) end

---Writes a file within a granted folder, whole or not at all.
---
---```lua
---grant { write = "/srv/out" }
---context "internal":extension("691", function(call) fs.write("/srv/out/" .. call.id .. ".txt", call.caller.number) end)
---```
---@param path string absolute, within a granted folder
---@param content string at most 8 MiB
---@return boolean done false where it failed
---@return string? reason why it failed
function fs.write(path, content) end

---Adds to the end of a file within a granted folder.
---
---```lua
---grant { write = "/srv/out" }
---on("call.ended", function(record) fs.append("/srv/out/calls.csv", record.id .. "," .. record.duration .. "\n") end)
---```
---@param path string absolute, within a granted folder
---@param content string at most 8 MiB
---@return boolean done false where it failed
---@return string? reason why it failed
function fs.append(path, content) end

---Lists a granted folder.
---
---```lua
---grant { read = "/srv/lists" }
---context "internal":extension("692", function() for _, name in ipairs(fs.list "/srv/lists" or {}) do log.info(name) end end)
---```
---@param path string absolute, within a granted folder
---@return (string[]|nil) names sorted; folders end with a slash
---@return string? reason why not
function fs.list(path) end

---Removes a file, or an empty folder, within a granted folder.
---
---```lua
---grant { write = "/srv/out" }
---context "internal":extension("693", function() fs.remove "/srv/out/old.txt" end)
---```
---@param path string absolute, within a granted folder
---@return boolean done false where it failed
---@return string? reason why it failed
function fs.remove(path) end

---Tells whether there is a file within a granted folder.
---
---```lua
---grant { read = "/srv/lists" }
---context "internal":extension("694", function(call) if fs.exists "/srv/lists/closed" then call:busy() end end)
---```
---@param path string absolute, within a granted folder
---@return boolean there false also where it is not granted
function fs.exists(path) end

---@class fs.stat.facts
---@field size? number of the file (in bytes)
---@field modified? number since 1970 (in s)
---@field folder? boolean whether it is a folder

---Tells the size and age of a file within a granted folder.
---
---```lua
---grant { read = "/srv/lists" }
---context "internal":extension("695", function()
---  local facts = fs.stat "/srv/lists/vip.txt"
---  if facts then log.info("%d bytes", facts.size) end
---end)
---```
---@param path string absolute, within a granted folder
---@return (fs.stat.facts|nil) facts nil where there is none
---@return string? reason why not
function fs.stat(path) end

---@class program.run.command
---@field [integer] string
---@field stdin? string what it reads; nothing where left out
---@field timeout? number how long to wait, at most as long as is granted (in s)
---@field limit? integer longest output; a program that writes more is killed. At most 4 MiB (in bytes, default 65536)
---@field shell? boolean the first text is a command line for /bin/sh, which must be granted (default false)
---@field output? boolean false drops what it writes, and so does not wait for those that it leaves behind (default true)

---@class program.run.result
---@field status "done"|"failed"|"timeout"|"missing"|"refused" the outcome in one word
---@field code? number that it ended with
---@field signal? string that ended it
---@field output? string what it wrote to its standard output
---@field reason? string in words, where it failed

---Runs a program to its end; the call waits, others do not.
---
---The program must be granted. It runs in the folder that it lies in, as the user and with the environment that the grant says. It is killed, with what it started, when the time is over or the call ends. What it writes to its standard error is logged.
---
---```lua
---grant { programs = "/usr/local/bin/*" }
---context "internal":extension("720", function(call)
---  local result = program.run { "/usr/local/bin/lookup", call.caller.number, timeout = 2 }
---  if result.status == "done" then call.caller.name = result.output:match "[^\n]*" end
---end)
---```
---@param command string|program.run.command the program's path and its arguments, and options. One named without a folder is looked for in the site's agi-bin and in granted folders
---@return program.run.result result the outcome
function program.run(command) end

---Divides a line into words as AGI programs write them: in quotes, with backslashes.
---
---```lua
---local words = program.words 'STREAM FILE welcome "#"'
---log.info("%d words", #words)
---```
---@param line string without its end
---@return string[] words at most 128
function program.words(line) end

---@class program.open.command
---@field [integer] string
---@field audio? boolean the program gets what the call says on its descriptor 3: 16-bit samples, the low byte first, 8000 a second (default false)
---@field env? table<string, string> further variables of its environment

---Begins a program to talk with, line by line.
---
---As `program.run`, but what the program reads is what is written to the stream, and what it writes is read from there. It is killed when the stream is stopped, and with the call.
---
---```lua
---grant { programs = "/usr/bin/bc" }
---context "internal":extension("721", function(call)
---  local bc = program.open "/usr/bin/bc"
---  if not bc then return end
---  bc:write "6*7\n"
---  call:say { number = tonumber((bc:read())) }
---  bc:stop()
---end)
---```
---@param command string|program.open.command the program's path and its arguments, and options
---@return (stream|nil) stream nil where it does not run
---@return ("failed"|"missing"|"refused")? status why not, in one word
---@return string? reason why not, in words
function program.open(command) end

---@class net.connect.options
---@field timeout? number for the connection, and later for `read` and `write` (in s, default 10)
---@field service? string the host is a domain whose SRV records for this service are asked, such as "agi"; the port serves where it has none

---Connects with another machine by TCP, to talk line by line.
---
---```lua
---grant { tcp = "ncid.example.org:3333" }
---context "internal":extension("722", function(call)
---  local server = net.connect("ncid.example.org:3333", { timeout = 2 })
---  if server then
---    server:write("CID: " .. call.caller.number .. "\n")
---    server:stop()
---  end
---end)
---```
---@param address string host and port, granted: "127.0.0.1:4573"
---@param options? net.connect.options how
---@return (stream|nil) stream nil where there is no connection
---@return ("failed"|"timeout"|"refused")? status why not, in one word
---@return string? reason why not, in words
function net.connect(address, options) end

---Waits for the next line.
---
---```lua
---grant { programs = "agi-bin/*" }
---context "internal":extension("723", function(call)
---  local oracle = program.open { "oracle", call.caller.number }
---  if oracle then log.info("it says %s", oracle:read(2) or "nothing") end
---end)
---```
---@param timeout? number how long; the stream's own where left out (in s)
---@return (string|nil) line without its end; nil where none came
---@return ("line"|"closed"|"timeout"|"failed")? status what came of it
function stream_methods:read(timeout) end

---Writes a text, to which nothing is added.
---
---```lua
---grant { tcp = "127.0.0.1:7000" }
---context "internal":extension("724", function(call)
---  local server = net.connect "127.0.0.1:7000"
---  if server then server:write(call.caller.number .. "\n") end
---end)
---```
---@param text string with the ends of its lines
---@return boolean done false where it failed
---@return string? reason why it failed
function stream_methods:write(text) end

---Tells a program by SIGHUP that the call is over.
---
---```lua
---grant { programs = "agi-bin/*" }
---context "internal":extension("725", function(call)
---  local oracle = program.open "oracle"
---  if oracle then oracle:hangup() end
---end)
---```
function stream_methods:hangup() end

---@class stream.finish.result
---@field status "done"|"failed"|"timeout" the outcome in one word
---@field code? number that a program ended with
---@field signal? string that ended it

---Ends the conversation: the other end reads no more, and a program is waited for.
---
---```lua
---grant { programs = "agi-bin/*" }
---context "internal":extension("726", function(call)
---  local oracle = program.open "oracle"
---  if oracle and oracle:finish().status ~= "done" then log.warn "the oracle failed" end
---end)
---```
---@param timeout? number how long; the stream's own where left out. Then a program is killed (in s)
---@return stream.finish.result result the outcome
function stream_methods:finish(timeout) end

---Ends the conversation at once; a program is killed.
---
---```lua
---grant { tcp = "127.0.0.1:7000" }
---context "internal":extension("727", function(call)
---  local server = net.connect "127.0.0.1:7000"
---  if server then server:stop() end
---end)
---```
function stream_methods:stop() end

---A whole number by chance.
---
---```lua
---context "internal":extension("700", function(call) call:say { number = random.integer(1, 6) } end)
---```
---@param low integer the least
---@param high integer the greatest
---@return integer number from low to high
function random.integer(low, high) end

---One of a list by chance.
---
---```lua
---context "internal":extension("701", function(call) call:play(random.pick { "welcome", "vm-goodbye" }) end)
---```
---@param list any[] not empty
---@return any item nil where the list is empty
function random.pick(list) end

---Writes bytes as base64.
---
---```lua
---log.info(base64.encode "user:password")
---```
---@param text string any bytes
---@return (string|nil) result nil where the text is not valid
---@return string? reason what is wrong with it
function base64.encode(text) end

---Reads base64.
---
---```lua
---local bytes, reason = base64.decode "aGVsbG8="
---```
---@param text string any bytes
---@return (string|nil) result nil where the text is not valid
---@return string? reason what is wrong with it
function base64.decode(text) end

---The MD5 sum of a text, in hexadecimal.
---
---```lua
---log.info(hash.md5 "text")
---```
---@param text string any bytes
---@return (string|nil) result nil where the text is not valid
---@return string? reason what is wrong with it
function hash.md5(text) end

---The SHA-1 sum of a text, in hexadecimal.
---
---```lua
---log.info(hash.sha1 "text")
---```
---@param text string any bytes
---@return (string|nil) result nil where the text is not valid
---@return string? reason what is wrong with it
function hash.sha1(text) end

---The SHA-256 sum of a text, in hexadecimal.
---
---```lua
---log.info(hash.sha256 "text")
---```
---@param text string any bytes
---@return (string|nil) result nil where the text is not valid
---@return string? reason what is wrong with it
function hash.sha256(text) end

---The HMAC-SHA-256 of a text, in hexadecimal.
---
---```lua
---log.info(hash.hmac("key", "text"))
---```
---@param key string the secret
---@param text string what is signed
---@return string sum 64 characters
function hash.hmac(key, text) end

---Makes a text safe within a URL.
---
---```lua
---log.info(url.encode "Front desk & co")
---```
---@param text string any bytes
---@return (string|nil) result nil where the text is not valid
---@return string? reason what is wrong with it
function url.encode(text) end

---Reads what url.encode wrote.
---
---```lua
---local text, reason = url.decode "Front+desk"
---```
---@param text string any bytes
---@return (string|nil) result nil where the text is not valid
---@return string? reason what is wrong with it
function url.decode(text) end

---Writes the query part of a URL.
---
---```lua
---log.info("https://crm.example.org/call?" .. url.query { number = "1001", name = "Front desk" })
---```
---@param values table<string, string|number|boolean> by name
---@return string text without the question mark, sorted by name
function url.query(values) end

---@class mailbox.settings
---@field pin? string digits that open it, until its owner changes them by phone; none are asked for where it is empty, and other characters no keypad can enter (default "")
---@field name? string whose it is (default "")
---@field email? string where its owner gets mail (default "")
---@field pager? string where its owner gets short mail (default "")
---@field zone? string time zone in which times are said: "Europe/Paris"; the machine's where left out (default "")
---@field language? string of what its owner hears; that of the call where left out (default "")
---@field maxmsg? integer messages in a folder (default 100)
---@field maxsecs? number longest message (in s, default 300)
---@field minsecs? number what is shorter is dropped (in s, default 1)
---@field maxsilence? number ends a message, and is cut off; 0 is never (in s, default 10)
---@field maxlogins? integer wrong PINs before the call ends (default 3)
---@field review? boolean callers may hear their message, record it again, or mark it urgent (default false)
---@field saycid? boolean the caller's number is said before each message (default false)
---@field envelope? boolean date and time are said before each message (default true)
---@field operator? boolean callers may press 0 for the extension `o` (default false)
---@field callback? boolean its owner may call back who left a message (default false)
---@field nextaftercmd? boolean the next message is played after one is deleted or saved (default false)
---@field attach? boolean mail carries the message (default false)
---@field delete? boolean a message that was mailed is not kept (default false)

---Declares a mailbox.
---
---Messages lie in `voicemail/CONTEXT/BOX` below the server's recordings, in Asterisk's layout. The module `voicemail` lets callers leave messages and owners hear them.
---
---Only while scripts are loaded.
---
---```lua
---mailbox "1101@finance" { pin = "1234", name = "Front desk", email = "desk@example.org", zone = "Europe/Paris" }
---```
---@param address string number and context: "1101@finance"; the context is "default" where left out
---@param settings? mailbox.settings whose it is, and what it may hold
---@return fun(settings: mailbox.settings)
function mailbox(address, settings) end

---Finds a mailbox.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function(call)
---  local box = mailboxes.find "1101@finance"
---  call:say { number = box:counts().new }
---end)
---```
---@param address string "1101@finance"
---@return (mailbox|nil) mailbox nil where none is declared
function mailboxes.find(address) end

---Lists the addresses of the mailboxes.
---
---```lua
---context "internal":extension("661", function()
---  for _, address in ipairs(mailboxes.list "finance") do log.info(address) end
---end)
---```
---@param context? string only those of this context
---@return string[] addresses sorted
function mailboxes.list(context) end

---@class mailbox.counts.counts
---@field new? integer not listened to; urgent ones are not among them
---@field urgent? integer not listened to and urgent
---@field old? integer listened to

---Counts the messages.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  log.info("%d new", box:counts().new)
---end)
---```
---@return mailbox.counts.counts counts how many there are
function mailbox_methods:counts() end

---@class mailbox.messages.messages.item
---@field id? string stays the same wherever the message goes
---@field folder? string "INBOX", "Old", "Work", "Family", "Friends" or "Urgent"
---@field path? string of its sound, for `call:play`; nil where it has none
---@field caller_number? string "" where it is not known
---@field caller_name? string "" where it is not known
---@field time? number since 1970, when it was left (in s)
---@field duration? number of the sound (in s)
---@field urgent? boolean marked so by the caller
---@field forwarded_by? string mailbox that it comes from, nil where it was left here

---Lists the messages of a folder.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function(call)
---  local box = mailboxes.find "1101@finance"
---  for _, message in ipairs(box:messages "Old") do call:play(message.path) end
---end)
---```
---@param folder? "INBOX"|"Old"|"Work"|"Family"|"Friends"|"Urgent" which (default "INBOX")
---@return mailbox.messages.messages.item[] messages the oldest first
function mailbox_methods:messages(folder) end

---@class mailbox.find.message
---@field id? string stays the same wherever the message goes
---@field folder? string "INBOX", "Old", "Work", "Family", "Friends" or "Urgent"
---@field path? string of its sound, for `call:play`; nil where it has none
---@field caller_number? string "" where it is not known
---@field caller_name? string "" where it is not known
---@field time? number since 1970, when it was left (in s)
---@field duration? number of the sound (in s)
---@field urgent? boolean marked so by the caller
---@field forwarded_by? string mailbox that it comes from, nil where it was left here

---Finds a message, wherever it is now.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function(call)
---  local box = mailboxes.find "1101@finance"
---  local first = box:messages()[1]
---  if first then call:play(box:find(first.id).path) end
---end)
---```
---@param id string of the message
---@return (mailbox.find.message|nil) message nil where it failed
---@return string? reason why it failed: "full", "empty", "missing", or more words
function mailbox_methods:find(id) end

---Gives a path to record a message or a greeting to.
---
---What is recorded there is nothing yet: `deliver` makes a message of it, `keep_greeting` a greeting. Forgotten drafts go when the server starts.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function(call)
---  local box = mailboxes.find "1101@finance"
---  call:record { path = box:draft(), max = 60, beep = true }
---end)
---```
---@return (string|nil) path for `call:record`
---@return string? reason why there is none
function mailbox_methods:draft() end

---@class mailbox.deliver.facts
---@field caller_number? string who speaks (default "")
---@field caller_name? string who speaks (default "")
---@field extension? string that was dialled (default "")
---@field context? string where it was dialled (default "")
---@field channel? string the line, as in `SIP/1101-00000004` (default "")
---@field time? number when it was said; now where left out (in s)
---@field urgent? boolean goes to the folder Urgent (default false)
---@field trim? number silence at the end, which is cut off (in s, default 0)
---@field heard? boolean nothing is delivered where nobody can be heard (default false)
---@field least? number what is shorter then is not delivered (in s, default 0)

---@class mailbox.deliver.message
---@field id? string stays the same wherever the message goes
---@field folder? string "INBOX", "Old", "Work", "Family", "Friends" or "Urgent"
---@field path? string of its sound, for `call:play`; nil where it has none
---@field caller_number? string "" where it is not known
---@field caller_name? string "" where it is not known
---@field time? number since 1970, when it was left (in s)
---@field duration? number of the sound (in s)
---@field urgent? boolean marked so by the caller
---@field forwarded_by? string mailbox that it comes from, nil where it was left here

---Makes a message of a draft, whole or not at all.
---
---It comes back when the message is on the disk. It may be called after the caller has hung up.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function(call)
---  local box = mailboxes.find "1101@finance"
---  local path = box:draft()
---  call:record { path = path, max = 60, beep = true }
---  box:deliver(path, { caller_number = call.caller.number })
---end)
---```
---@param path string that `draft` gave
---@param facts? mailbox.deliver.facts what is known of it
---@return (mailbox.deliver.message|nil) message nil where it failed
---@return string? reason why it failed: "full", "empty", "missing", or more words
function mailbox_methods:deliver(path, facts) end

---Removes a draft.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  box:discard(box:draft())
---end)
---```
---@param path string that `draft` gave
---@return boolean done false where it failed
---@return string? reason why it failed
function mailbox_methods:discard(path) end

---Puts a message into another folder.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  for _, message in ipairs(box:messages()) do box:move(message.id, "Old") end
---end)
---```
---@param id string of the message
---@param folder "INBOX"|"Old"|"Work"|"Family"|"Friends"|"Urgent" which
---@return boolean done false where it failed
---@return string? reason why it failed
function mailbox_methods:move(id, folder) end

---Removes a message for good.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  for _, message in ipairs(box:messages "Old") do box:remove(message.id) end
---end)
---```
---@param id string of the message
---@return boolean done false where it failed
---@return string? reason why it failed
function mailbox_methods:remove(id) end

---@class mailbox.forward.message
---@field id? string stays the same wherever the message goes
---@field folder? string "INBOX", "Old", "Work", "Family", "Friends" or "Urgent"
---@field path? string of its sound, for `call:play`; nil where it has none
---@field caller_number? string "" where it is not known
---@field caller_name? string "" where it is not known
---@field time? number since 1970, when it was left (in s)
---@field duration? number of the sound (in s)
---@field urgent? boolean marked so by the caller
---@field forwarded_by? string mailbox that it comes from, nil where it was left here

---Puts a copy of a message into another mailbox.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  local first = box:messages()[1]
---  if first then box:forward(first.id, mailboxes.find "1101@finance") end
---end)
---```
---@param id string of the message
---@param to mailbox the other mailbox
---@param comment? string draft of this mailbox, which the copy begins with; it stays
---@return (mailbox.forward.message|nil) message nil where it failed
---@return string? reason why it failed: "full", "empty", "missing", or more words
function mailbox_methods:forward(id, to, comment) end

---The recording of a greeting.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function(call)
---  local box = mailboxes.find "1101@finance"
---  call:play(box:greeting "unavail" or "vm-nobodyavail")
---end)
---```
---@param kind "unavail"|"busy"|"greet"|"temp" greet is the owner's name, temp stands in for all others
---@return (string|nil) path for `call:play`; nil where there is none
function mailbox_methods:greeting(kind) end

---Makes a draft a greeting.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function(call)
---  local box = mailboxes.find "1101@finance"
---  local path = box:draft()
---  call:record { path = path, beep = true }
---  box:keep_greeting("busy", path)
---end)
---```
---@param kind "unavail"|"busy"|"greet"|"temp" as in greeting
---@param path string that `draft` gave
---@return boolean done false where it failed
---@return string? reason why it failed
function mailbox_methods:keep_greeting(kind, path) end

---Removes a greeting.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  box:remove_greeting "temp"
---end)
---```
---@param kind "unavail"|"busy"|"greet"|"temp" as in greeting
---@return boolean done false where it failed
---@return string? reason why it failed
function mailbox_methods:remove_greeting(kind) end

---Reports whether a PIN opens the mailbox.
---
---A PIN that was chosen by phone counts in place of the declared one. One that Asterisk kept as it is, in `secret.conf`, is kept hashed from then on.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  log.info("%s", box:check_pin "1234")
---end)
---```
---@param pin string digits
---@return boolean right it does
function mailbox_methods:check_pin(pin) end

---Changes the PIN; only its hash is kept.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  box:set_pin "4711"
---end)
---```
---@param pin string digits
---@return boolean done false where it failed
---@return string? reason why it failed
function mailbox_methods:set_pin(pin) end

---Keeps the messages' paths as they are while somebody listens.
---
---What a message that goes leaves free is filled when nobody listens any more: at the end of each call that began, or at `finish`.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  box:begin()
---  box:finish()
---end)
---```
function mailbox_methods:begin() end

---Ends what `begin` began.
---
---```lua
---mailbox "1101@finance" { pin = "1234" }
---context "internal":extension("660", function()
---  local box = mailboxes.find "1101@finance"
---  box:finish()
---end)
---```
function mailbox_methods:finish() end
