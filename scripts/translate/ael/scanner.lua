-- The characters of extensions.ael, with a place for each.
--
-- AEL has few tokens that stand by themselves: what a parenthesis holds is read
-- raw, up to the one that closes it. So the parser asks for what it needs next,
-- and white space and comments are skipped in between.

local text = require "text"

local scanner = {}
scanner.__index = scanner

local deepest = 50

-- Collects the lines of a file and of what it includes.
local function collect(job, report, name, lines, depth, from)
  local content, reason = job.read(name)
  if not content then
    if from then report:unknown(from, ("cannot include %s: %s"):format(name, reason), "mend the #include") end
    return false
  end
  if not text.is_utf8(content) then content = text.from_latin1(content) end
  local number = 0
  for line in (content:gsub("\r\n?", "\n") .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local at = { file = name, line = number }
    local included = line:match '^%s*#%s*include%s+["<]([^">]+)[">]'
    if included and depth < deepest then
      report:count(at)
      collect(job, report, job.path(included), lines, depth + 1, at)
    else
      lines[#lines + 1] = { line, at }
    end
  end
  return true
end

-- nil where there is no such file.
function scanner.open(job, report, name)
  local lines = {}
  if not collect(job, report, name, lines, 1) then return nil end
  local parts, starts, at = {}, {}, 1
  for i, line in ipairs(lines) do
    parts[i], starts[i] = line[1], at
    at = at + #line[1] + 1
  end
  return setmetatable({
    source = table.concat(parts, "\n") .. "\n", at = 1, lines = lines, starts = starts, report = report, above = {},
  }, scanner)
end

-- Where a position is: file and line.
function scanner:place(at)
  at = at or self.at
  local low, high = 1, #self.starts
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if self.starts[middle] <= at then low = middle else high = middle - 1 end
  end
  return self.lines[low] and self.lines[low][2] or { file = "extensions.ael", line = 1 }
end

-- Skips white space and comments, and keeps the comments.
function scanner:skip()
  while true do
    local at = self.source:find("%S", self.at)
    if not at then
      self.at = #self.source + 1
      return
    end
    self.at = at
    local two = self.source:sub(at, at + 1)
    if two == "//" then
      local stop = self.source:find("\n", at, true)
      self.above[#self.above + 1] = text.trim(self.source:sub(at + 2, stop - 1))
      self.at = stop + 1
    elseif two == "/*" then
      local _, stop = self.source:find("*/", at + 2, true)
      self.above[#self.above + 1] = text.trim(self.source:sub(at + 2, (stop or #self.source + 2) - 2))
      self.at = (stop or #self.source) + 1
    else
      return
    end
  end
end

-- The comments since the last call; nil for none.
function scanner:comments()
  local above = self.above
  if #above == 0 then return nil end
  self.above = {}
  return above
end

function scanner:ended()
  self:skip()
  return self.at > #self.source
end

-- The next character that is not white space.
function scanner:peek()
  self:skip()
  return self.source:sub(self.at, self.at)
end

-- Takes s if it is next.
function scanner:accept(s)
  self:skip()
  if self.source:sub(self.at, self.at + #s - 1) ~= s then return false end
  self.at = self.at + #s
  return true
end

-- Takes what pattern, which begins with ^, matches next.
function scanner:match(pattern)
  self:skip()
  local from, to, captured = self.source:find(pattern, self.at)
  if not from then return nil end
  self.at = to + 1
  return captured or self.source:sub(from, to)
end

local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }

-- Takes raw text up to one of the characters of stop, outside of parentheses,
-- brackets and braces. The character stays. nil where there is none.
function scanner:raw(stop)
  local from, at, stack = self.at, self.at, {}
  while true do
    at = self.source:find("[%(%)%[%]{}\"" .. stop .. "]", at)
    if not at then return nil end
    local c = self.source:sub(at, at)
    if #stack == 0 and c:find("[" .. stop .. "]") then break end
    if closing[c] then stack[#stack + 1] = closing[c]
    elseif c == stack[#stack] then stack[#stack] = nil end
    at = at + 1
  end
  self.at = at
  return (text.trim(self.source:sub(from, at - 1)):gsub("%s*\n%s*", " "))
end

-- Takes "(…)" and gives what is in it; nil where there is none.
function scanner:parentheses()
  if not self:accept "(" then return nil end
  local inside = self:raw "%)"
  if inside then self.at = self.at + 1 end
  return inside
end

return scanner
