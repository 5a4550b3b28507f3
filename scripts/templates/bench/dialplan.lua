-- The numbers that the load drivers of `moonwire bench` call. Each exists
-- twice, with 1 and with 2 before it; what each does is in docs/performance.md.

local bench = context "bench"

-- both declares a number under both prefixes.
local function both(number, serve)
  bench:extension("1" .. number, serve)
  bench:extension("2" .. number, serve)
end

both("000", function(call)
  call:answer()
  call:wait(600)
end)

both("001", function(call)
  call:answer()
end)

both("002", function(call)
  call:answer()
  while call:play("bench120").status == "played" do end
end)

both("003", function(call)
  call:answer()
  call:echo()
end)

-- bridge connects the caller with the called side of the drivers.
local function bridge(codec)
  return function(call)
    local result = call:dial("sip/sip:b@127.0.0.1:5090", { codecs = { codec }, timeout = 10 })
    if result.status ~= "answered" then
      log.warn("no bridge with %s: %s", codec, result.status)
      call:hangup(result.cause)
    end
  end
end

both("004", bridge "ulaw")
both("014", bridge "ulaw")
both("005", bridge "alaw")
both("006", bridge "g722")

both("007", function(call)
  call:answer()
  for i = 1, 100 do
    call.vars.i = i
    call.vars.v = "foo-" .. call.extension .. "-" .. call.vars.i
  end
end)

both("008", function(call)
  call:answer()
  local v
  for i = 1, 100 do
    v = "foo-" .. call.extension .. "-" .. i
  end
  return v
end)

both("009", function(call)
  call:answer()
  for pass = 1, 5 do
    if call.caller.number == "nobody" then
      call:hangup "rejected"
    else
      log.debug("pass %d", pass)
    end
  end
end)

both("010", function(call)
  call:answer()
  local s = 0
  for i = 1, 1e6 do s = s + i % 7 end
end)
