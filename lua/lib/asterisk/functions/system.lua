-- Functions that reach the machine and the network, as far as grants let them.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

local func = registry.func

func("ENV", {
  level = "approximate", note = "reads the server's environment, and cannot change it",
  read = function(_, text) return env(text, "") end,
  write = function(_, text) log.warn("ENV(%s) cannot be set", text) end,
})

func("SHELL", {
  level = "approximate", note = "runs commands where /bin/sh is granted as a program",
  read = function(ch, text)
    if text == "" then return "" end
    local result = program.run { text, shell = true, limit = 1048576 }
    if result.status ~= "done" and result.status ~= "failed" then log.warn("SHELL(%s): %s, at %s", text, result.reason, ch:place()) end
    return result.output or ""
  end,
})

func("CURL", {
  level = "approximate", note = "reaches the hosts that are granted",
  read = function(_, text)
    local address, body = text:match "^([^,]*),?(.*)$"
    if not address:find "^%a+://" then address = "http://" .. address end
    local answer
    if body ~= "" then answer = http.post(address, body, { headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } })
    else answer = http.get(address) end
    if answer.status ~= "ok" and answer.status ~= "refused" then
      log.warn("CURL(%s): %s", address, answer.reason or answer.status)
      return ""
    end
    return (answer.body or ""):gsub("[\r\n]+$", "")
  end,
})
func("CURLOPT", { level = "approximate", note = "makes no difference here", read = function() return "" end, write = function() end })

local wanted = {
  e = function(facts) return facts and "1" or "0" end,
  f = function(facts) return facts and not facts.folder and "1" or "0" end,
  d = function(facts) return facts and facts.folder and "1" or "0" end,
  s = function(facts) return facts and ("%d"):format(facts.size) or "" end,
  m = function(facts) return facts and "0644" or "" end,
  M = function(facts) return facts and ("%d"):format(facts.modified) or "" end,
}
wanted.A, wanted.C = wanted.M, wanted.M

func("STAT", {
  level = "approximate", note = "sees the folders that are granted",
  read = function(_, text)
    local flag, path = text:match "^%s*(%a),(.*)$"
    if not flag or not wanted[flag] then return "" end
    return wanted[flag]((fs.stat(path)))
  end,
})

-- The part of a file that FILE names by offset and length.
func("FILE", {
  level = "approximate", note = "reads and writes files within what is granted",
  read = function(ch, text)
    local parts = arguments.split(text)
    local content, reason = fs.read(parts[1] or "")
    if not content then
      log.warn("FILE: %s", reason)
      return ""
    end
    local offset, length = parts[2] or "0", parts[3]
    if (parts[4] or ""):find("l", 1, true) then
      local list = {}
      for line in content:gmatch "([^\n]*)\n?" do list[#list + 1] = line end
      return list[arguments.whole(offset) + 1] or ""
    end
    return ch:slice(content, (offset == "" and "0" or offset) .. (length and length ~= "" and ":" .. length or ""))
  end,
  write = function(_, text, value)
    local parts = arguments.split(text)
    local append = (parts[4] or ""):find("a", 1, true)
    local done, reason = (append and fs.append or fs.write)(parts[1] or "", value)
    if not done then log.warn("FILE: %s", reason) end
  end,
})

func("FILE_COUNT_LINE", { level = "approximate", note = "reads files within what is granted", read = function(_, text)
  local content = fs.read(arguments.split(text)[1] or "")
  if not content then return "-1" end
  return select(2, content:gsub("\n", ""))
end })

func("BASENAME", { read = function(_, text) return text:match "([^/]*)/*$" end })
func("DIRNAME", { read = function(_, text) return text:match "^(.*)/[^/]*$" or "." end })
func("VERSION", { level = "approximate", note = "says the version that the dialplan was written for", read = function(ch) return tostring(ch:settings().era or 20) .. ".0.0" end })
func("AST_CONFIG", { level = "approximate", note = "there are no configuration files of Asterisk here", read = function() return "" end })
func("SYSINFO", { level = "approximate", note = "tells nothing", read = function() return "" end })
