-- Expressions: what stands between $[ and ], after ${…} in it was replaced.
--
--   expr.evaluate("1 + 2 * 3") → "7"
--   expr.evaluate('"${A}" = "x"') → "1" or "0"
--
-- Values are texts or numbers. A text that looks like a number counts as one
-- where numbers are compared or computed with; quotes belong to a text, and
-- never make a number of it. Numbers have the 64 bits of precision that
-- Asterisk's have, and are printed with 18 digits.
--
-- Where an expression is broken, the value is that of the part that could be
-- read, as in Asterisk: "a b" is "a", "1 +" is "0", "+ 1" is "". The second
-- result then tells what is wrong and where: { message =, at = }.

local expr = {}

-- Tokens ----------------------------------------------------------------------------

local operators = {
  ["||"] = "|", ["&&"] = "&", ["=="] = "=", [">="] = ">=", ["<="] = "<=", ["!="] = "!=", ["=~"] = "=~", ["~~"] = "~~", ["::"] = "::",
  ["|"] = "|", ["&"] = "&", ["="] = "=", [">"] = ">", ["<"] = "<", ["+"] = "+", ["-"] = "-", ["*"] = "*", ["/"] = "/", ["%"] = "%",
  ["?"] = "?", [":"] = ":", ["!"] = "!", ["("] = "(", [")"] = ")", [","] = ",",
}

-- Characters of a word. A $ is one only before another.
local word = "^[%w%.'\\;_%^#@$\128-\255]+"

local longest = 4096 -- of an expression, in characters; Asterisk's own limit

-- Divides a text into tokens { kind, value, at }; what is no part of any is
-- skipped.
local function tokens(text)
  local list, at, size = {}, 1, #text
  while at <= size do
    local c = text:sub(at, at)
    local two = text:sub(at, at + 1)
    if c:find "%s" then
      at = at + 1
    elseif c == '"' then
      local last = text:find('"', at + 1, true)
      if last then
        list[#list + 1] = { kind = "text", value = text:sub(at, last), at = at }
        at = last + 1
      else
        at = at + 1
      end
    elseif #two == 2 and operators[two] then
      list[#list + 1] = { kind = operators[two], at = at }
      at = at + 2
    elseif operators[c] then
      list[#list + 1] = { kind = operators[c], at = at }
      at = at + 1
    else
      local value = text:match(word, at)
      if value and value ~= "$" then
        list[#list + 1] = { kind = "text", value = value, at = at }
        at = at + #value
      else
        at = at + 1
      end
    end
  end
  list[#list + 1] = { kind = "end", at = size + 1 }
  return list
end

-- Numbers -----------------------------------------------------------------------------

-- A number is { n = Lua number } as long as that is exact, a whole number of at
-- most 2^53, and else { p = text } for the module precise.

local exact = 2 ^ 53

local function whole(n) return { n = n } end

local function precisely(text)
  local n = tonumber(text)
  if n and n == math.floor(n) and n > -exact and n < exact and text:find "^-?%d+$" and text ~= "-0" then return { n = n } end
  return { p = text }
end

local function asPrecise(v) return v.p or ("%d"):format(v.n) end

-- The number that a text looks like, nil where it does not.
local function numeric(text)
  if not text:find "^%d*%.?%d*$" or not text:find "%d" then return nil end
  if #text <= 15 and not text:find(".", 1, true) then return { n = tonumber(text) } end
  return precisely((text:gsub("^%.", "0."):gsub("%.$", "")))
end

local function isNumber(v) return type(v) == "table" end

local function show(v)
  if not isNumber(v) then return v end
  if v.n then return ("%d"):format(v.n) end
  return precise.format(v.p, 18)
end

local function isZero(v)
  if v.n then return v.n == 0 end
  return precise.compare(v.p, "0") == 0
end

-- Makes a number of a text that looks like one.
local function normal(v)
  if isNumber(v) then return v end
  return numeric(v) or v
end

-- Makes a number of anything: 0, and a warning, where it is none.
local function toNumber(v, warn)
  local n = normal(v)
  if isNumber(n) then return n end
  warn(("'%s' is not a number"):format(v))
  return whole(0)
end

local function unquoted(v)
  local text = show(v)
  return text:match '^"(.*)"$' or text
end

-- Operators ----------------------------------------------------------------------------

local function truth(v) return whole(v and 1 or 0) end

local function compare(a, b)
  local left, right = normal(a), normal(b)
  if isNumber(left) and isNumber(right) then
    if left.n and right.n then return left.n < right.n and -1 or left.n > right.n and 1 or 0 end
    return precise.compare(asPrecise(left), asPrecise(right))
  end
  local x, y = show(a), show(b)
  return x < y and -1 or x > y and 1 or 0
end

local precisely_named = { ["+"] = "add", ["-"] = "subtract", ["*"] = "multiply", ["/"] = "divide", ["%"] = "remainder" }

local function arithmetic(operator, a, b, warn)
  local x, y = toNumber(a, warn), toNumber(b, warn)
  if (operator == "/" or operator == "%") and isZero(y) then
    warn "division by zero"
    return whole(operator == "/" and 2147483647 or 0)
  end
  if x.n and y.n then
    local result
    if operator == "+" then result = x.n + y.n
    elseif operator == "-" then result = x.n - y.n
    elseif operator == "*" then result = x.n * y.n
    elseif operator == "/" then result = x.n / y.n
    else result = math.fmod(x.n, y.n) end
    if result == math.floor(result) and result > -exact and result < exact then return whole(result + 0) end
  end
  local result, problem = precise.calculate(precisely_named[operator], asPrecise(x), asPrecise(y))
  if not result then
    warn(problem)
    return whole(0)
  end
  return precisely(result)
end

-- POSIX extended expressions in the notation of RE2: within brackets a backslash
-- is a character like others, and \< and \> are borders of words.
local function posix(pattern)
  local out, at = {}, 1
  while at <= #pattern do
    local c = pattern:sub(at, at)
    if c == "[" then
      local last = at + 1
      if pattern:sub(last, last) == "^" then last = last + 1 end
      if pattern:sub(last, last) == "]" then last = last + 1 end
      while last <= #pattern and pattern:sub(last, last) ~= "]" do
        local class = pattern:match("^%[[:.=].-[:.=]%]", last)
        last = last + (class and #class or 1)
      end
      out[#out + 1] = (pattern:sub(at, last):gsub("\\", "\\\\"))
      at = last + 1
    elseif c == "\\" then
      local after = pattern:sub(at + 1, at + 1)
      if after == "<" or after == ">" then out[#out + 1] = "\\b"
      elseif after:find "[%w]" and not after:find "[wWsSbBdD]" then out[#out + 1] = after
      else out[#out + 1] = "\\" .. after end
      at = at + 2
    else
      out[#out + 1] = c
      at = at + 1
    end
  end
  return table.concat(out)
end

-- Looks for a POSIX expression: the list of what was found, nil where nothing
-- was; false and a reason where the expression is malformed.
function expr.match(text, pattern, insensitive)
  local good, found = pcall(re.match, text, (insensitive and "(?i)" or "") .. posix(pattern), { longest = true })
  if good then return found end
  return false, tostring(found):match "error parsing regexp: (.*)$" or tostring(found)
end

-- The result of : and =~ is group 1, or how much was found.
local function matched(a, b, anchored, warn)
  local text, pattern = unquoted(a), unquoted(b)
  local groups, problem = expr.match(text, anchored and "^(" .. pattern .. ")" or pattern)
  if groups == false then
    warn("regular expression: " .. problem)
    return ""
  end
  local first = anchored and 2 or 1
  if not groups then
    if pattern:gsub("\\.", ""):find("(", 1, true) then return "" end
    return whole(0)
  end
  if groups[first] ~= nil then return groups[first] end
  return whole(#groups[0])
end

-- Functions that expressions have of their own, beside those of the dialplan.
local functions = {
  ABS = 1, CEIL = 1, FLOOR = 1, ROUND = 1, RINT = 1, TRUNC = 1, SQRT = 1, EXP = 1, EXP2 = 1, EXP10 = 1,
  LOG = 1, LOG2 = 1, LOG10 = 1, SIN = 1, COS = 1, TAN = 1, ASIN = 1, ACOS = 1, ATAN = 1,
  POW = 2, ATAN2 = 2, REMAINDER = 2,
}

local named = { POW = "power", REMAINDER = "remainder_nearest" }

local function call(name, values, ch, warn)
  local count = functions[name]
  if count then
    if #values ~= count then
      warn(("%s takes %d numbers"):format(name, count))
      return whole(0)
    end
    local list = {}
    for i, v in ipairs(values) do list[i] = asPrecise(toNumber(v, warn)) end
    local result, problem = precise.calculate(named[name] or name:lower(), list[1], list[2])
    if not result then
      warn(problem)
      return whole(0)
    end
    return precisely(result)
  end
  if ch and ch:find_function(name) then
    local texts = {}
    for i, v in ipairs(values) do texts[i] = show(v) end
    return ch:fn(name, table.concat(texts, ","))
  end
  warn(("there is no function %s"):format(name))
  return whole(0)
end

-- The grammar -----------------------------------------------------------------------------

-- Precedence, from the loosest; all are left-associative but "?".
local binary = {
  ["|"] = 2, ["&"] = 3,
  ["="] = 4, ["!="] = 4, ["<"] = 4, [">"] = 4, ["<="] = 4, [">="] = 4,
  ["+"] = 5, ["-"] = 5, ["*"] = 6, ["/"] = 6, ["%"] = 6,
  [":"] = 8, ["=~"] = 8, ["~~"] = 9,
}
local unaryLevel = 7

local deepest = 100 -- parentheses within one another

local Reader = {}
Reader.__index = Reader

local broken = {} -- what is raised at a syntax error

function Reader:fail(message)
  self.problem = self.problem or { message = message, at = self.list[self.at].at }
  error(broken, 0)
end

function Reader:peek() return self.list[self.at].kind end

function Reader:expect(kind)
  if self:peek() ~= kind then
    local found = self:peek()
    self:fail(found == "end" and ("'%s' is missing at the end"):format(kind) or ("'%s' expected before '%s'"):format(kind, self.list[self.at].value or found))
  end
  self.at = self.at + 1
end

local function isFalse(v)
  v = normal(v)
  if isNumber(v) then return isZero(v) end
  return v == ""
end

local function combine(reader, operator, a, b)
  local warn = reader.warn
  if operator == "|" then
    if isFalse(a) then return normal(b) end
    return normal(a)
  elseif operator == "&" then
    if isFalse(a) or isFalse(b) then return whole(0) end
    return normal(a)
  elseif operator == "=" then return truth(compare(a, b) == 0)
  elseif operator == "!=" then return truth(compare(a, b) ~= 0)
  elseif operator == "<" then return truth(compare(a, b) < 0)
  elseif operator == ">" then return truth(compare(a, b) > 0)
  elseif operator == "<=" then return truth(compare(a, b) <= 0)
  elseif operator == ">=" then return truth(compare(a, b) >= 0)
  elseif operator == ":" then return matched(a, b, true, warn)
  elseif operator == "=~" then return matched(a, b, false, warn)
  elseif operator == "~~" then return unquoted(a) .. unquoted(b)
  end
  return arithmetic(operator, a, b, warn)
end

function Reader:arguments()
  local values = {}
  while true do
    values[#values + 1] = self:level(1)
    if self:peek() ~= "," then break end
    self.at = self.at + 1
  end
  self:expect ")"
  return values
end

function Reader:primary()
  local token = self.list[self.at]
  local kind = token.kind
  self.depth = self.depth + 1
  if self.depth > deepest then self:fail "the expression is nested too deeply" end
  local value
  if kind == "text" then
    self.at = self.at + 1
    if self:peek() == "(" then
      self.at = self.at + 1
      value = call(token.value, self:arguments(), self.ch, self.warn)
    else
      value = token.value
    end
  elseif kind == "(" then
    self.at = self.at + 1
    value = self:level(1)
    self:expect ")"
  elseif kind == "-" then
    self.at = self.at + 1
    local given = self:level(unaryLevel)
    local operand = toNumber(given, self.warn)
    if operand.n and operand.n ~= 0 or not isNumber(normal(given)) then value = whole(0 - operand.n)
    else value = precisely((precise.calculate("negate", asPrecise(operand)))) end
  elseif kind == "!" then
    self.at = self.at + 1
    local operand = normal(self:level(unaryLevel))
    if isNumber(operand) then value = truth(isZero(operand))
    else value = truth(operand ~= "") end
  elseif kind == "end" then
    self:fail "something is missing at the end"
  else
    self:fail(("unexpected '%s'"):format(kind))
  end
  self.depth = self.depth - 1
  return value
end

-- Reads what binds at least as tightly as level.
function Reader:level(level)
  local value = self:primary()
  while true do
    local operator = self:peek()
    if operator == "?" and level <= 1 then
      self.at = self.at + 1
      local yes = self:level(1)
      self:expect "::"
      local no = self:level(1)
      local condition = normal(value)
      local taken
      if isNumber(condition) then taken = not isZero(condition) else taken = condition ~= "" and condition ~= '""' and condition ~= "0" end
      value = taken and yes or no
    else
      local own = binary[operator]
      if not own or own < level then return value end
      self.at = self.at + 1
      value = combine(self, operator, value, self:level(own + 1))
    end
  end
end

-- The value of an expression, as text. ch is for functions of the dialplan, and
-- may be left out. The second result is a problem, nil where there is none.
function expr.evaluate(text, ch)
  if #text > longest then return "", { message = "the expression is longer than 4096 characters", at = longest } end
  local reader = setmetatable({ list = tokens(text), at = 1, depth = 0, ch = ch }, Reader)
  reader.warn = function(message) reader.doubt = reader.doubt or { message = message, at = reader.list[reader.at].at } end
  if reader:peek() == "end" then return "" end
  local starts = reader:peek()
  if starts ~= "text" and starts ~= "(" and starts ~= "-" and starts ~= "!" then
    reader.problem = { message = ("unexpected '%s'"):format(starts), at = reader.list[1].at }
    return expr.complain(reader, text, "")
  end
  local good, value = pcall(reader.level, reader, 1)
  if not good then
    if value ~= broken then error(value, 0) end
    return expr.complain(reader, text, "0")
  end
  if reader:peek() ~= "end" then
    reader.problem = { message = ("'%s' is too much"):format(reader.list[reader.at].value or reader:peek()), at = reader.list[reader.at].at }
  end
  return expr.complain(reader, text, show(value))
end

-- Logs what is wrong, and gives the value and it.
function expr.complain(reader, text, value)
  local problem = reader.problem or reader.doubt
  if problem and reader.ch then log.warn("in the expression %q, at character %d: %s", text, problem.at, problem.message) end
  return value, problem
end

-- Whether an expression is well formed, without evaluating it in a call: nil, or
-- { message =, at = }. Only for texts without ${…}.
function expr.check(text)
  local _, problem = expr.evaluate(text)
  return problem
end

return expr
