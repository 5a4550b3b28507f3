-- Functions that calculate.

local arguments = require "asterisk.arguments"
local registry = require "asterisk.registry"

local func = registry.func

func("RAND", { read = function(_, text)
  local parts = arguments.split(text)
  local low = tonumber(parts[1]) and arguments.whole(parts[1]) or 0
  local high = tonumber(parts[2]) and arguments.whole(parts[2]) or 2147483647
  if low > high then low, high = high, low end
  return ("%d"):format(random.integer(low, high))
end })

-- Makes INC and DEC: they change the variable, and give its new value.
local function counts(name, by)
  func(name, { read = function(ch, text)
    local value = ch:get(text)
    if not value:find "^%s*[+-]?%d+%s*$" then
      if value ~= "" then log.warn("%s: %s is '%s', which is no whole number", name, text, value) end
      return ""
    end
    local sum = ("%d"):format(tonumber(value) + by)
    ch:set(text, sum)
    return sum
  end })
end

counts("INC", 1)
counts("DEC", -1)

-- MATH -----------------------------------------------------------------------------------

local function whole(x) return x >= 0 and math.floor(x) or math.ceil(x) end

-- A whole number as C's int holds it: what is too great becomes the least.
local function int(x)
  if x ~= x or x >= 2147483648 or x < -2147483648 then return -2147483648 end
  return whole(x)
end

-- Joins the bits of two whole numbers.
local function bits(a, b, takes)
  local result, place = 0, 1
  a, b = a % 4294967296, b % 4294967296
  for _ = 1, 32 do
    local x, y = a % 2, b % 2
    if takes(x + y) then result = result + place end
    a, b, place = (a - x) / 2, (b - y) / 2, place * 2
  end
  return result >= 2147483648 and result - 4294967296 or result
end

local operators = {
  { "<=", function(a, b) return a <= b end }, { ">=", function(a, b) return a >= b end }, { "==", function(a, b) return a == b end },
  { "<<", function(a, b) return int(a) * 2 ^ int(b) end }, { ">>", function(a, b) return math.floor(int(a) / 2 ^ int(b)) end },
  { "AND", function(a, b) return bits(int(a), int(b), function(n) return n == 2 end) end },
  { "XOR", function(a, b) return bits(int(a), int(b), function(n) return n == 1 end) end },
  { "OR", function(a, b) return bits(int(a), int(b), function(n) return n > 0 end) end },
  { "<", function(a, b) return a < b end }, { ">", function(a, b) return a > b end },
  { "+", function(a, b) return a + b end }, { "-", function(a, b) return a - b end }, { "*", function(a, b) return a * b end },
  { "/", function(a, b) return b == 0 and 0 or a / b end }, { "%", function(a, b) return b == 0 and 0 or math.fmod(a, b) end },
  { "^", function(a, b) return a ^ b end },
}

-- Finds the first operator behind the first number.
local function operation(text)
  local first, second
  local from = text:match "^%s*[+-]?0[xX]%x+()" or text:match "^%s*[+-]?[%d%.]+()"
  if not from then return nil end
  local rest = text:sub(from)
  local lead = rest:match "^%s*"
  for _, one in ipairs(operators) do
    if rest:sub(#lead + 1, #lead + #one[1]) == one[1] then
      first, second = text:sub(1, from - 1), rest:sub(#lead + #one[1] + 1)
      return first, one[2], second
    end
  end
end

local function value(text)
  local hex = text:match "^%s*([+-]?0[xX]%x+)"
  if hex then return tonumber(hex) end
  local n = text:match "^%s*([+-]?%d*%.?%d+)" or text:match "^%s*([+-]?%d+)"
  return tonumber(n)
end

local shapes = {
  f = function(x) return ("%f"):format(x) end, float = function(x) return ("%f"):format(x) end,
  i = function(x) return ("%d"):format(int(x)) end, int = function(x) return ("%d"):format(int(x)) end,
  h = function(x) return ("%x"):format(int(x)) end, hex = function(x) return ("%x"):format(int(x)) end,
  c = function(x) return string.char(int(x) % 256) end, char = function(x) return string.char(int(x) % 256) end,
}

func("MATH", { read = function(_, text)
  local sum, shape = text:match "^([^,]*),?%s*(.-)%s*$"
  local first, operator, second = operation(sum)
  local a, b = first and value(first), second and value(second)
  if not a or not b then
    log.warn("MATH: '%s' is not understood", text)
    return ""
  end
  local result = operator(a, b)
  if type(result) == "boolean" then return result and "TRUE" or "FALSE" end
  local show = shapes[shape == "" and "f" or shape:lower()]
  if not show then
    log.warn("MATH: there is no kind of number '%s'", shape)
    return ""
  end
  return show(result)
end })
