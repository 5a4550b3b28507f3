package interop

// lab is a site with an extension for everything that a scenario needs. Phones
// are many, so that each test has some of its own: 1001 for who wants to prove
// a password, 2000 to 2099 for who is called or calls, 2100 for who may have one
// call at a time.
var lab = site{
	"config.lua": `
sip.phone "1001" { password = "pass-1001", context = "lab", caller_id = '"One" <1001>' }
for number = 2000, 2099 do
  sip.phone(tostring(number)) { password = "pass-" .. number, context = "lab" }
end
sip.phone "2100" { password = "pass-2100", context = "lab", call_limit = 1 }
sip.trunk "known" { host = "127.0.0.9", match = "127.0.0.8/31", context = "from-trunk", trust_identity = true }
sip.trunk "walled" { host = "127.0.0.10" }
sip.guests { from = { "127.0.0.1", "127.0.0.2" }, context = "lab" }
`,
	"dialplan.lua": `
local lab = context "lab"
lab:extension("echo", function(call) call:answer() call:echo() end)
lab:extension("busy", function(call) call:busy() end)
lab:extension("congestion", function(call) call:congestion() end)
lab:extension("declined", function(call) call:hangup "rejected" end)
lab:extension("later", function(call) call:hangup { status = 480, retry_after = 90 } end)
lab:extension("elsewhere", function(call) call:redirect "sip:reception@192.0.2.7" end)
lab:extension("ring", function(call) call:ring() call:wait(60) end)
lab:extension("early", function(call) call:progress() call:play "demo-echotest" call:answer() call:wait(60) end)
lab:extension("reliable", function(call) call:ring() call:wait(0.3) call:answer() call:wait(60) end)
lab:extension("bye", function(call) call:answer() call:wait(0.3) call:hangup() end)
lab:extension("bye-congested", function(call) call:answer() call:wait(0.1) call:hangup "congestion" end)
lab:extension("five-seconds", function(call) call:answer() call:wait(5) call:hangup() end)
lab:extension("prompt", function(call) call:answer() call:play "demo-echotest" call:hangup() end)
lab:extension("hold", function(call) call:answer() call:hold() call:wait(60) end)
lab:extension("hold-resume", function(call)
  call:answer()
  call:hold()
  call:read { max = 1, timeout = 20 }
  call:hold(false)
  call:wait(60)
end)
lab:extension("transfer", function(call) call:answer() call:transfer "sip:2000@192.0.2.7" call:wait(60) end)
for _, name in ipairs { "info", "rtp", "tones" } do
  lab:extension("digits-" .. name, function(call)
    call:answer()
    local got = call:read { max = 6, timeout = 10 }
    log.info("digits by %s: %s", name, got)
  end)
end
lab:extension("broken", function(call) call:answer() local nothing = nil; nothing.field = 1 end)
lab:extension("endless", function(call) call:answer() while true do end end)
lab:extension("_20XX", function(call)
  local result = call:dial("sip/" .. call.extension, { timeout = 3 })
  log.info("%s dialled %s", call.extension, result.status)
  call:hangup(result.cause)
end)
lab:extension("2100", function(call)
  local result = call:dial("sip/2100", { timeout = 3 })
  log.info("2100 dialled %s", result.status)
  call:hangup(result.cause)
end)

local outside = context "from-trunk"
outside:extension("_X.", function(call)
  log.info("%s by %s for %s", call.extension, call.peer, call.caller.number)
  call:busy()
end)
`,
}
