-- What became of each line.
--
-- A line is exact, approximate or unknown; where several things are said about
-- one, the worst counts. Notes say something useful about a line without making
-- it any less exact: a misprint that Asterisk swallows is translated as it runs.

local report = {}
report.__index = report

local rank = { exact = 0, note = 0, approximate = 1, unknown = 2 }

function report.new()
  return setmetatable({ files = {}, order = {}, names = { applications = {}, functions = {}, options = {} } }, report)
end

local function file_of(self, name)
  local file = self.files[name]
  if not file then
    file = { name = name, lines = {}, steps = {}, reasons = {}, said = {} }
    self.files[name] = file
    self.order[#self.order + 1] = file
  end
  return file
end

-- Counts a line that means something, exact until something is said of it.
function report:count(at)
  local lines = file_of(self, at.file).lines
  lines[at.line] = lines[at.line] or "exact"
end

-- Counts a line as one with a priority.
function report:step(at) file_of(self, at.file).steps[at.line] = true end

local function say(self, at, status, reason, suggestion)
  local file = file_of(self, at.file)
  local key = at.line .. "\0" .. reason
  if file.said[key] then return end
  file.said[key] = true
  local counted = file.lines[at.line]
  if status ~= "note" and (not counted or rank[status] > rank[counted]) then file.lines[at.line] = status end
  file.reasons[#file.reasons + 1] = {
    line = at.line, status = status, reason = reason, suggestion = suggestion, order = #file.reasons,
  }
end

-- Counts a line as unknown for the reason that was said of another.
function report:too(at) file_of(self, at.file).lines[at.line] = "unknown" end

function report:note(at, reason, suggestion) say(self, at, "note", reason, suggestion) end
function report:approximate(at, reason, suggestion) say(self, at, "approximate", reason, suggestion) end
function report:unknown(at, reason, suggestion) say(self, at, "unknown", reason, suggestion) end

-- Counts the use of a name that is not known; kind is applications, functions
-- or options.
function report:name(kind, name)
  local names = self.names[kind]
  names[name] = (names[name] or 0) + 1
end

local function tally(file)
  local sum = { lines = 0, exact = 0, approximate = 0, unknown = 0 }
  for _, status in pairs(file.lines) do
    sum.lines = sum.lines + 1
    sum[status] = sum[status] + 1
  end
  return sum
end

-- The same for the lines with a priority alone.
local function add_steps(sum, file)
  for line in pairs(file.steps) do
    local status = file.lines[line] or "exact"
    sum.lines = sum.lines + 1
    sum[status] = sum[status] + 1
  end
end

local function coverage(sum) return sum.lines == 0 and 1 or sum.exact / sum.lines end

-- The report as plain tables, for JSON.
function report:summary()
  local total = { lines = 0, exact = 0, approximate = 0, unknown = 0 }
  local priorities = { lines = 0, exact = 0, approximate = 0, unknown = 0 }
  local files = {}
  for _, file in ipairs(self.order) do
    add_steps(priorities, file)
    local sum = tally(file)
    for name, value in pairs(sum) do total[name] = total[name] + value end
    table.sort(file.reasons, function(a, b)
      if a.line ~= b.line then return a.line < b.line end
      return a.order < b.order
    end)
    local reasons = {}
    for i, r in ipairs(file.reasons) do
      reasons[i] = { line = r.line, status = r.status, reason = r.reason, suggestion = r.suggestion }
    end
    sum.file, sum.coverage, sum.reasons = file.name, coverage(sum), #reasons > 0 and reasons or nil
    files[#files + 1] = sum
  end
  total.coverage, priorities.coverage = coverage(total), coverage(priorities)
  return { files = files, total = total, priorities = priorities, unknown = self.names }
end

-- The report for people: one line for each thing said, then the figures.
function report:lines()
  local summary, lines = self:summary(), {}
  for _, file in ipairs(summary.files) do
    for _, r in ipairs(file.reasons or {}) do
      local line = ("%s:%d: %s: %s"):format(file.file, r.line, r.status, r.reason)
      if r.suggestion then line = line .. "; " .. r.suggestion end
      lines[#lines + 1] = line
    end
  end
  local t = summary.total
  lines[#lines + 1] = ("%d lines: %d exact, %d approximate, %d unknown; coverage %.1f %%"):format(
    t.lines, t.exact, t.approximate, t.unknown, 100 * t.coverage)
  local p = summary.priorities
  lines[#lines + 1] = ("of these %d with a priority: %d exact; coverage %.1f %%"):format(p.lines, p.exact, 100 * p.coverage)
  return lines, summary
end

return report
