-- Functions that write texts in other alphabets, and sums of them.

local registry = require "asterisk.registry"

local func = registry.func

-- Makes a function of one text that must not be empty.
local function of(name, convert)
  func(name, { read = function(_, text)
    if text == "" then
      log.warn("%s wants a text", name)
      return ""
    end
    return convert(text) or ""
  end })
end

of("MD5", hash.md5)
of("SHA1", hash.sha1)
of("SHA256", hash.sha256)
of("BASE64_ENCODE", base64.encode)
of("BASE64_DECODE", base64.decode)

func("URIENCODE", { read = function(_, text)
  return (text:gsub("[^%w%-_%.~!%*'%(%)]", function(c) return ("%%%02X"):format(c:byte()) end))
end })

func("URIDECODE", { read = function(_, text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end })

func("JSON_DECODE", { read = function(ch, text)
  local name, path = text:match "^([^,]*),(.*)$"
  if not name then return "" end
  local value = json.decode(ch:get(name))
  for key in (path:match "^[^,]*" .. "."):gmatch "([^.]*)%." do
    if type(value) ~= "table" then return "" end
    value = value[tonumber(key) and tonumber(key) + 1 or key] or value[key]
  end
  if type(value) == "table" then return json.encode(value) end
  return value == nil and "" or tostring(value)
end })

func("UUID", { read = function()
  local function part(digits)
    local out = {}
    for i = 1, digits do out[i] = ("%x"):format(random.integer(0, 15)) end
    return table.concat(out)
  end
  return ("%s-%s-4%s-%x%s-%s"):format(part(8), part(4), part(3), random.integer(8, 11), part(3), part(12))
end })

func("AES_ENCRYPT", { level = "unavailable", note = "needs ciphers, which scripts of this server do not have" })
func("AES_DECRYPT", { level = "unavailable", note = "needs ciphers, which scripts of this server do not have" })
