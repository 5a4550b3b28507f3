==== scripts/asterisk/settings.lua
-- Settings and global variables, from [general] and [globals] of extensions.conf.

return {
  era = 20,
  autofallthrough = true,
  priorityjumping = false,
  clearglobalvars = false,
}
==== scripts/asterisk/shims.lua
-- What the dialplan uses and moonwire does not have, each in a file of its own.

-- A shim that is written; nil for one that is not.
local function written(shim) return type(shim) ~= "boolean" and shim or nil end

return {
  applications = {
    Hungup = written(require "shims.hungup"),
    Playbak = written(require "shims.playbak"),
  },
  functions = {
  },
}
==== scripts/config.lua
-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()
==== scripts/demo.lua
---@shared
-- Context [demo], from extensions.conf.
-- lines as they stand in guides

local asterisk = require "asterisk"

local here = "demo"
context(here)

asterisk.extension(here, "_[1_4]", function(ch)
  ch:Set("NAME", ch:fn("RAND", ""))
end, { file = "extensions.conf", lines = "2" })

asterisk.extension(here, "101", function(ch)
  ch:run("Dial ", ch.ARG2, 20, "t")
  return ch:go("s-$(DIALSTATUS)", 1)
end, { file = "extensions.conf", lines = "3-4" })

asterisk.extension(here, "s-BUSY", function(ch)
  ch:run("", "Goto(default,s,1)")
end, { file = "extensions.conf", lines = "5" })

asterisk.extension(here, "102", function(ch)
  ch:SayDigits(ch:expand "EXTEN:-2)")
end, { file = "extensions.conf", lines = "6" })

asterisk.extension(here, "103", function(ch)
  return ch:GotoIf(ch:expression(ch.CALLERIDNUM .. " = 8885551212") .. " ", "20 ", 10)
end, { file = "extensions.conf", lines = "7" })

asterisk.extension(here, "104", function(ch)
  ch:Set("NAME = " .. ch:fn("DB", "cidname/" .. ch:fn("CALLERID", "num")))
end, { file = "extensions.conf", lines = "8" })

asterisk.extension(here, "105", function(ch)
  ch:Set("CALLERID(all)", "”SipPhone” ")
end, { file = "extensions.conf", lines = "9" })

asterisk.extension(here, ")_8.", function(ch)
  ch:Dial("SIP/" .. ch.EXTEN .. "@sipnet", 40)
end, { file = "extensions.conf", lines = "10", caller = "201" })

asterisk.extension(here, "106", function(ch)
  return ch:go "200|1"
end, { file = "extensions.conf", lines = "12" })

asterisk.extension(here, "107", function(ch)
  ch:run "Set,X=5"
end, { file = "extensions.conf", lines = "13" })

asterisk.extension(here, "108", function(ch)
  ch:run("Playbak", "hello")
end, { file = "extensions.conf", lines = "14" })

asterisk.extension(here, "_s-.", function(ch)
  return ch:go "s-BUSY"
end, { file = "extensions.conf", lines = "16" })

asterisk.extension(here, "NXX", function(ch)
  ch:run "Hungup"
end, { file = "extensions.conf", lines = "20" })
==== scripts/macro-x.lua
---@shared
-- Context [ macro-x], from extensions.conf.

local asterisk = require "asterisk"

local here = " macro-x"
context(here)

asterisk.extension(here, "111", function(ch)
  ch:Set "FOO"
end, { file = "extensions.conf", lines = "25" })
==== scripts/shims/hungup.lua
-- What the application Hungup does. It is yours to write; the dialplan uses
-- it first at extensions.conf:20.
--
-- Put a function in place of false: function(ch, arguments) … end. ch is the
-- channel, arguments the text between the parentheses, with the values of
-- variables in it. Until then a call that comes here ends, as it does in an
-- Asterisk without this application.

return false
==== scripts/shims/playbak.lua
-- What the application Playbak does. It is yours to write; the dialplan uses
-- it first at extensions.conf:14.
--
-- Put a function in place of false: function(ch, arguments) … end. ch is the
-- channel, arguments the text between the parentheses, with the values of
-- variables in it. Until then a call that comes here ends, as it does in an
-- Asterisk without this application.

return false
==== scripts/t.lua
---@shared
-- Context [t], from extensions.conf.

local asterisk = require "asterisk"

local here = "t"
context(here)
==== scripts/u.lua
---@shared
-- Context [u], from extensions.conf.

local asterisk = require "asterisk"

local here = "u"
context(here)
==== report
extensions.conf:2: note: [1_4] stands for each of these characters; [1-4] was probably meant
extensions.conf:3: unknown: 'Dial ' is not an application; a call that comes here ends; Dial(${ARG2},20,t), without a space before the parenthesis was probably meant
extensions.conf:4: note: $(DIALSTATUS) is not a variable but plain text; ${DIALSTATUS} was probably meant
extensions.conf:5: unknown: '' is not an application; a call that comes here ends; Goto(default,s,1) was probably meant
extensions.conf:6: note: '//To read only the last two digits' after the closing parenthesis is ignored; a comment begins with a semicolon
extensions.conf:6: note: no closing } in '${EXTEN:-2)'; ${EXTEN:-2} was probably meant
extensions.conf:6: note: the '}' that closes '${' is missing
extensions.conf:7: note: there is no priority 20 to go to
extensions.conf:7: note: there is no priority 10 to go to
extensions.conf:8: note: spaces around = are part of the name and of the value; Set(NAME=${DB(cidname/${CALLERID(num)})}) was probably meant
extensions.conf:9: note: typographic quotes are characters like any other; plain quotes (") were probably meant
extensions.conf:10: note: the extension ') _8.' is taken without its spaces; _8. was probably meant
extensions.conf:11: unknown: there is no directive 'exten Already'; exten => _7952XXXXXXX,2,Dial(SIP/sipnet/${EXTEN},120) was probably meant
extensions.conf:12: note: '200|1' holds | where Asterisk from 1.6 on wants commas; 200,1 was probably meant; translate with --era 1.4 if the dialplan is that old
extensions.conf:13: unknown: 'Set,X=5' is not an application; a call that comes here ends; Set(X=5) was probably meant
extensions.conf:14: note: no closing parenthesis; Playbak(hello) was probably meant
extensions.conf:14: unknown: application Playbak is not known; Playback was probably meant
extensions.conf:15: note: no application; write NoOp for a priority that does nothing
extensions.conf:15: unknown: 'Answer()' is neither a priority nor a label of this extension; write n for the next priority
extensions.conf:16: note: there is no label s-BUSY in this extension; Goto(s-BUSY,1) was probably meant
extensions.conf:17: unknown: 'exten 110,1,Answer' is neither a section nor a setting: it has no equal sign; exten => 110,1,Answer was probably meant
extensions.conf:18: unknown: 'same -> n,Hangup' is neither a section nor a setting: it has no equal sign; same => n,Hangup was probably meant
extensions.conf:19: unknown: there is no directive 'includ'; include => demo2 was probably meant
extensions.conf:20: note: 'NXX' is a name, not a pattern; _NXX was probably meant
extensions.conf:20: unknown: application Hungup is not known; Hangup was probably meant
extensions.conf:22: approximate: setting 'autofalthrough' of [general] is unknown and has no effect; autofallthrough was probably meant
extensions.conf:23: note: the name of section [ macro-x] has spaces around it, and they count; [macro-x] was probably meant
extensions.conf:24: unknown: the first priority of a context cannot be n; write 1 for the first priority
extensions.conf:25: note: Set(FOO) sets nothing: there is no equal sign; Set(NAME=value) was probably meant
extensions.conf:26: approximate: '(demo)' after the section's name is ignored; no space may stand before the parenthesis
extensions.conf:27: unknown: section [u] builds on [nobody], which is not defined before it; Asterisk refuses the whole file then; define the template first
extensions.conf:28: unknown: there is no directive #inclde; #include was probably meant
28 lines: 13 exact, 2 approximate, 13 unknown; coverage 46.4 %
of these 17 with a priority: 10 exact; coverage 58.8 %
