---@meta
-- The Lua API of moonwire, for editors. Written by `moonwire types`; changes are lost.
-- luacheck: ignore

---The person at a phone of the site. What is said about calls to it holds from then on.
---@class phone
---@field name string as in sip.phone
local phone_methods = {}

---What a test works with: a site of its own, in virtual time.
---@class t
local t_methods = {}

---A call, as the person at its far end sees it.
---@class testcall
---@field id string call.id of the scripts
---@field state "trying"|"ringing"|"early"|"answered"|"ended" how far the call has come
---@field number string that was dialled
---@field caller_number string that is shown
---@field caller_name string that is shown
---@field target string of a call that a script dialled: "sip/1002"
---@field cause number why it ended (Q.850)
local testcall_methods = {}

---A mailbox of the site.
---@class testmailbox
---@field new integer messages that were not listened to, urgent ones too
---@field old integer messages that were
local testmailbox_methods = {}

---What is at the other end of a trunk. What is said about calls through it holds from then on.
---@class trunk
---@field name string as in sip.trunk
local trunk_methods = {}

---A place on the network that scripts send requests to.
---@class web
local web_methods = {}

---Declares a test.
---
---The function runs in a site of its own that nothing has happened to, in virtual time. It fails where it raises an error, where an assertion does, and where a script fails that it did not expect to.
---
---```lua
---test("600 echoes", function(t)
---  local call = t:phone("1001"):dials "600"
---  call:is "answered"
---  call:hears "demo-echotest"
---end)
---```
---@param name string what must be so, in words
---@param fn fun(t: t) the test
function test(name, fn) end

---The person at a phone of the site.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):busy()
---  t:phone("1001"):dials("1002"):hears "busy"
---end)
---```
---@param name string as in sip.phone
---@return phone phone dials, and does something when it rings
function t_methods:phone(name) end

---What is at the other end of a trunk.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):calls { to = "0123456789", from = "0611223344" }
---end)
---```
---@param name string as in sip.trunk
---@return trunk trunk calls, and is called
function t_methods:trunk(name) end

---@class t.calls.call
---@field to string the number that is called
---@field context string where it is looked up
---@field from? string the caller's number
---@field name? string the caller's name

---A call from somebody who is neither a phone nor a trunk.
---
---```lua
---test("example", function(t)
---  t:calls({ to = "600", context = "internal" }):hears "demo-echotest"
---end)
---```
---@param call t.calls.call who calls whom
---@return testcall call the call as the caller sees it
function t_methods:calls(call) end

---Lets time pass.
---
---```lua
---test("example", function(t)
---  local call = t:phone("1001"):dials "1002"
---  t:advance(20)
---end)
---```
---@param seconds number how much (in s)
function t_methods:advance(seconds) end

---Sets the time, or tells it.
---
---At the beginning of a test any time can be set; later only one to come, and everything happens on the way that is due. A test begins on Monday, 2 March 2026, at ten.
---
---```lua
---test("example", function(t)
---  t:time "2026-12-25 09:00"
---end)
---```
---@param time? string "2026-03-04 18:30"; left out, nothing is set
---@return number now since 1970 (in s)
function t_methods:time(time) end

---Reads a value of the store, or puts one there.
---
---```lua
---test("example", function(t)
---  t:store("night", "mode", "on")
---  t:equal(t:store("night", "mode"), "on")
---end)
---```
---@param family string of the key
---@param key string of the value
---@param value? string|number|boolean put where it is given
---@return (string|nil) value nil where there is none
function t_methods:store(family, key, value) end

---The records of the calls that have ended, in order.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):hangs_up()
---  t:equal(#t:records(), 1)
---end)
---```
---@return table[] records as hooks of call.ended get them
function t_methods:records() end

---The record of a call that has ended; waits for it.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):hangs_up()
---  t:equal(t:record(1).extension, "600")
---end)
---```
---@param number? integer 1 is the first that ended (default 1)
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return table record as hooks of call.ended get it
function t_methods:record(number, within) end

---@class t.recording.recording
---@field duration? number of the sound (in s)
---@field size? number of the file (in bytes)

---Looks for what a call recorded.
---
---```lua
---test("example", function(t)
---  t:equal(t:recording "demo/1001.wav", nil)
---end)
---```
---@param path string as in call:record
---@return (t.recording.recording|nil) recording nil where there is none
function t_methods:recording(path) end

---Asserts that a script logs a line with a text in it.
---
---```lua
---test("example", function(t)
---  local call = t:phone("1001"):dials "700"
---  call:hears "demo-menu"
---  call:presses "9"
---  t:logged "menu main: 9"
---end)
---```
---@param text string part of the line
---@param within? number virtual time to wait for it, at most (in s, default 30)
function t_methods:logged(text, within) end

---Asserts that a script fails, which then is no failure of the test.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials "600"
---  -- t:error "attempt to index a nil value"
---end)
---```
---@param text string part of the message
---@param within? number virtual time to wait for it, at most (in s, default 30)
function t_methods:error(text, within) end

---Asserts that two values are equal; tables by what they hold.
---
---```lua
---test("example", function(t)
---  t:equal(1 + 1, 2)
---end)
---```
---@param got? any what is
---@param want? any what must be
---@param what? string what was compared, for the message
function t_methods:equal(got, want, what) end

---Asserts that a value is neither false nor nil.
---
---```lua
---test("example", function(t)
---  t:ok(t:time() > 0, "it is later than 1970")
---end)
---```
---@param value? any what is
---@param what? string what was compared, for the message
function t_methods:ok(value, what) end

---Takes the requests to some addresses and answers them.
---
---No request of a test leaves the machine. What no pattern matches fails as if nobody were there. What the site does not grant is denied as ever.
---
---```lua
---test("example", function(t)
---  local crm = t:http "https://crm.example.org/*"
---  crm:returns { status = 200, body = "Alice" }
---end)
---```
---@param pattern string the URL, with * for any text; before it a method where only that is meant: "POST https://crm.example.org/*"
---@return web web says what is answered, and what was asked
function t_methods:http(pattern) end

---When called, the phone rings and answers.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):answers(3)
---end)
---```
---@param after? number so long after it began to ring (in s, default 0)
---@return phone phone the same
function phone_methods:answers(after) end

---When called, the phone rings and nobody answers, which is so from the beginning.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):never_answers()
---end)
---```
---@return phone phone the same
function phone_methods:never_answers() end

---When called, the phone is busy.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):busy()
---end)
---```
---@return phone phone the same
function phone_methods:busy() end

---When called, the phone refuses.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):rejects(603)
---end)
---```
---@param why? string|integer a cause by name, such as "unallocated", or a SIP status from 300 (default "rejected")
---@param after? number so long after it began to ring (in s, default 0)
---@return phone phone the same
function phone_methods:rejects(why, after) end

---When called, the person presses keys after the answer.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):answers():presses("1", 2)
---end)
---```
---@param keys string 0-9 * #, four a second
---@param at? number so long after the answer (in s, default 1)
---@return phone phone the same
function phone_methods:presses(keys, at) end

---When called, the person speaks after the answer.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):answers():speaks(4)
---end)
---```
---@param seconds number how long (in s)
---@param at? number so long after the answer (in s, default 0)
---@return phone phone the same
function phone_methods:speaks(seconds, at) end

---When called, the person hangs up after the answer.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):answers():hangs_up(60)
---end)
---```
---@param after number so long after the answer (in s)
---@return phone phone the same
function phone_methods:hangs_up(after) end

---Asserts that the phone is called; waits for it.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials "1002"
---  -- local call = t:phone("1002"):rings()
---  -- call:answers()
---end)
---```
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return testcall call the call as it is seen there
function phone_methods:rings(within) end

---Asserts that the phone has not been called, but for calls that were looked at.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):is_quiet()
---end)
---```
---@return phone phone the same
function phone_methods:is_quiet() end

---The phone is not registered.
---
---```lua
---test("example", function(t)
---  t:phone("1002"):unregistered()
---end)
---```
---@return phone phone the same
function phone_methods:unregistered() end

---@class phone.dials.options
---@field number? string the caller's number
---@field name? string the caller's name
---@field context? string where the number is looked up

---Dials a number.
---
---```lua
---test("example", function(t)
---  local call = t:phone("1001"):dials "600"
---  call:hears "demo-echotest"
---end)
---```
---@param number string the number
---@param options? phone.dials.options what is not as configured
---@return testcall call the call as the caller sees it
function phone_methods:dials(number, options) end

---When called, the far end rings and answers.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):answers(3)
---end)
---```
---@param after? number so long after it began to ring (in s, default 0)
---@return trunk trunk the same
function trunk_methods:answers(after) end

---When called, the far end rings and nobody answers, which is so from the beginning.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):never_answers()
---end)
---```
---@return trunk trunk the same
function trunk_methods:never_answers() end

---When called, the far end is busy.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):busy()
---end)
---```
---@return trunk trunk the same
function trunk_methods:busy() end

---When called, the far end refuses.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):rejects(603)
---end)
---```
---@param why? string|integer a cause by name, such as "unallocated", or a SIP status from 300 (default "rejected")
---@param after? number so long after it began to ring (in s, default 0)
---@return trunk trunk the same
function trunk_methods:rejects(why, after) end

---When called, the person presses keys after the answer.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):answers():presses("1", 2)
---end)
---```
---@param keys string 0-9 * #, four a second
---@param at? number so long after the answer (in s, default 1)
---@return trunk trunk the same
function trunk_methods:presses(keys, at) end

---When called, the person speaks after the answer.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):answers():speaks(4)
---end)
---```
---@param seconds number how long (in s)
---@param at? number so long after the answer (in s, default 0)
---@return trunk trunk the same
function trunk_methods:speaks(seconds, at) end

---When called, the person hangs up after the answer.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):answers():hangs_up(60)
---end)
---```
---@param after number so long after the answer (in s)
---@return trunk trunk the same
function trunk_methods:hangs_up(after) end

---Asserts that the far end is called; waits for it.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials "1002"
---  -- local call = t:trunk("provider"):rings()
---  -- call:answers()
---end)
---```
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return testcall call the call as it is seen there
function trunk_methods:rings(within) end

---Asserts that the far end has not been called, but for calls that were looked at.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):is_quiet()
---end)
---```
---@return trunk trunk the same
function trunk_methods:is_quiet() end

---@class trunk.calls.call
---@field to string the number that is called
---@field from? string the caller's number
---@field name? string the caller's name

---Calls the site through the trunk.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):calls { to = "0123456789", from = "0611223344" }
---end)
---```
---@param call trunk.calls.call who calls whom
---@return testcall call the call as it is seen there
function trunk_methods:calls(call) end

---When called, the trunk refuses with a SIP status.
---
---```lua
---test("example", function(t)
---  t:trunk("provider"):fails(503)
---end)
---```
---@param status? integer of SIP (default 503)
---@return trunk trunk the same
function trunk_methods:fails(status) end

---Asserts that something is played to this end; waits for it.
---
---What was heard before counts too, but only once: the next assertion looks for what came later. What is played need not come to its end.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):hears "demo-echotest"
---end)
---```
---@param what string the name of a prompt, the path of a recording, or a tone: "beep", "busy", "ringback"
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return testcall call the same
function testcall_methods:hears(what, within) end

---Asserts that a number, a date or the like is said; waits for it.
---
---```lua
---test("example", function(t)
---  local call = t:phone("1001"):dials "700"
---  call:hears "demo-menu"
---  call:presses "2"
---  call:hears "demo-enter-number"
---  call:presses "42#"
---  call:hears_said { number = 42 }
---end)
---```
---@param what table<string, any> as in call:say: { number = 42 }, { digits = "1001" }
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return testcall call the same
function testcall_methods:hears_said(what, within) end

---Asserts that something has not been played so far.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):never_hears "vm-goodbye"
---end)
---```
---@param what string as in hears
---@return testcall call the same
function testcall_methods:never_hears(what) end

---Presses keys, four a second.
---
---Waits until the call is answered or has early media, since keys are lost before.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("700"):presses "9"
---end)
---```
---@param keys string 0-9 * # A-D
---@return testcall call the same
function testcall_methods:presses(keys) end

---Speaks, and lets as much time pass.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):speaks(2)
---end)
---```
---@param seconds number how long (in s)
---@return testcall call the same
function testcall_methods:speaks(seconds) end

---Lets time pass.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):waits(2)
---end)
---```
---@param seconds number how long (in s)
---@return testcall call the same
function testcall_methods:waits(seconds) end

---Picks up a phone that rings.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials "1002"
---  t:phone("1002"):rings():answers()
---end)
---```
---@return testcall call the same
function testcall_methods:answers() end

---Refuses a call that rings.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials "1002"
---  t:phone("1002"):rings():rejects(486)
---end)
---```
---@param status? integer of SIP (default 603)
---@return testcall call the same
function testcall_methods:rejects(status) end

---Hangs up.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):hangs_up()
---end)
---```
---@return testcall call the same
function testcall_methods:hangs_up() end

---Asserts how far the call has come; waits for it.
---
---```lua
---test("example", function(t)
---  t:phone("1001"):dials("600"):is "answered"
---end)
---```
---@param state "trying"|"ringing"|"early"|"answered"|"ended" how far
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return testcall call the same
function testcall_methods:is(state, within) end

---Asserts that the call ends, and why; waits for it.
---
---```lua
---test("example", function(t)
---  local call = t:phone("1001"):dials "600"
---  call:hangs_up()
---  call:ended "normal"
---end)
---```
---@param cause? string|integer a cause of Q.850 by name or number: "normal", "busy", 17; any where left out
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return testcall call the same
function testcall_methods:ended(cause, within) end

---A mailbox of the site.
---
---```lua
---test("example", function(t)
---  t:mailbox("1001@internal"):has(0)
---end)
---```
---@param address string as in mailbox
---@return testmailbox mailbox says what is in it
function t_methods:mailbox(address) end

---Asserts how many messages there are; waits for them.
---
---```lua
---test("example", function(t)
---  t:mailbox("1001@internal"):has(0, 0)
---end)
---```
---@param new integer not listened to, urgent ones too
---@param old? integer listened to; any number where left out
---@param within? number virtual time to wait for it, at most (in s, default 30)
---@return testmailbox mailbox the same
function testmailbox_methods:has(new, old, within) end

---@class testmailbox.messages.messages.item
---@field caller_number? string who left it
---@field caller_name? string who left it
---@field duration? number of the sound (in s)
---@field urgent? boolean marked so
---@field path? string of the sound, as in hears

---The messages of a folder, in order.
---
---```lua
---test("example", function(t)
---  t:equal(#t:mailbox("1001@internal"):messages(), 0)
---end)
---```
---@param folder? "INBOX"|"Old"|"Work"|"Family"|"Friends"|"Urgent" which (default "INBOX")
---@return testmailbox.messages.messages.item[] messages what is known of each
function testmailbox_methods:messages(folder) end

---@class testmailbox.receives.message
---@field seconds? number how long it is (in s, default 3)
---@field from? string the caller's number (default "1002")
---@field name? string the caller's name (default "")
---@field ago? number how long ago it was left (in s, default 0)
---@field urgent? boolean marked so (default false)

---Puts a message into the mailbox.
---
---```lua
---test("example", function(t)
---  t:mailbox("1001@internal"):receives({ seconds = 5 }):has(1)
---end)
---```
---@param message? testmailbox.receives.message what is known of it
---@return testmailbox mailbox the same
function testmailbox_methods:receives(message) end

---Records a greeting.
---
---```lua
---test("example", function(t)
---  t:mailbox("1001@internal"):greets "busy"
---end)
---```
---@param kind "unavail"|"busy"|"greet"|"temp" which
---@param seconds? number how long it is (in s, default 2)
---@return testmailbox mailbox the same
function testmailbox_methods:greets(kind, seconds) end

---@class web.returns.answer
---@field status? integer of HTTP (default 200)
---@field body? string of the answer
---@field headers? table<string, string> of the answer
---@field fails? string there is no answer, for this reason

---Says what is answered.
---
---```lua
---test("example", function(t)
---  t:http("https://crm.example.org/*"):returns { status = 404 }
---end)
---```
---@param answer web.returns.answer the answer
---@return web web the same
function web_methods:returns(answer) end

---@class web.requests.requests.item
---@field method? string GET, POST, …
---@field url? string what was asked for
---@field body? string what was sent

---The requests that came, in order.
---
---```lua
---test("example", function(t)
---  t:equal(#t:http("https://crm.example.org/*"):requests(), 0)
---end)
---```
---@return web.requests.requests.item[] requests each with method, url and body
function web_methods:requests() end
