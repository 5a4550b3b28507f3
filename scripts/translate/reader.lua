-- First pass: files to lines.
--
-- Follows #include and its relatives, turns Latin-1 into UTF-8, takes comments
-- apart from what they stand beside, and keeps for every line where it came from.
-- A line that says something is a table with text, file and line; comment is what
-- followed it, and above the list of comments that stood over it.

local text = require "text"

local reader = {}
reader.__index = reader

local deepest = 50 -- nested includes

-- job reads the files; see main.lua.
function reader.new(job, report)
  return setmetatable({ job = job, report = report, open = {}, depth = 0 }, reader)
end

-- The lines of a file and of all it includes. The second result is the comments
-- after the last line. nil when there is no such file.
function reader:read(name)
  self.lines, self.above = {}, nil
  if not self:file(name, nil, true) then return nil end
  return self.lines, self.above
end

-- Takes the comments out of raw, a line. depth is how many block comments are
-- open before it; the third result is how many are after it.
local function strip(raw, depth)
  if depth == 0 and not raw:find(";", 1, true) then return raw, nil, 0 end
  local kept, comment, at = {}, {}, 1
  while at <= #raw do
    if depth > 0 then
      local close = raw:find("--;", at, true) or #raw + 1
      local open = raw:find(";%-%-[^-]", at) or raw:find(";%-%-$", at) or #raw + 1
      local stop = math.min(open, close)
      comment[#comment + 1] = text.trim(raw:sub(at, stop - 1))
      if stop <= #raw then depth = depth + (open < close and 1 or -1) end
      at = stop + 3
    else
      local mark = raw:find(";", at, true) or #raw + 1
      if mark > 1 and mark <= #raw and raw:byte(mark - 1) == 92 then -- a backslash
        kept[#kept + 1] = raw:sub(at, mark - 2) .. ";"
        at = mark + 1
      else
        kept[#kept + 1] = raw:sub(at, mark - 1)
        if raw:find("^;%-%-[^-]", mark) or raw:find("^;%-%-$", mark) then
          depth, at = 1, mark + 3
        else
          comment[#comment + 1] = raw:sub(mark + 1)
          at = #raw + 1
        end
      end
    end
  end
  return table.concat(kept), #comment > 0 and table.concat(comment, " ") or nil, depth
end

reader.strip = strip

local function clean(comment)
  comment = comment:gsub("^[;%s]+", ""):gsub("%s+$", "")
  if comment ~= "" then return comment end
end

local function add_above(self, comment)
  comment = clean(comment)
  if not comment then return end
  self.above = self.above or {}
  self.above[#self.above + 1] = comment
end

local function decode(self, name, content)
  if content:sub(1, 3) == "\239\187\191" then content = content:sub(4) end
  if not content:find "[\128-\255]" or text.is_utf8(content) then return content end
  self.report:note({ file = name, line = 1 }, "the file is in Latin-1; it was read as such")
  return text.from_latin1(content)
end

local directives = { "include", "tryinclude", "exec" }

-- Adds the lines of one file. from is the line that asked for it.
function reader:file(name, from, needed)
  local content, reason = self.job.read(name)
  if not content then
    if from and needed then
      self.report:unknown(from, ("cannot include %s: %s"):format(name, reason),
        "Asterisk refuses the whole configuration then; write #tryinclude if the file may be missing")
    end
    return false
  end
  if self.open[name] or self.depth >= deepest then
    self.report:unknown(from, name .. " includes itself", "remove this #include")
    return false
  end
  self.open[name], self.depth = true, self.depth + 1
  self:text(name, decode(self, name, content))
  self.open[name], self.depth = nil, self.depth - 1
  return true
end

-- Adds the lines of a text.
function reader:text(name, content)
  local number, depth, opened, start = 0, 0, nil, 1
  local lines = self.lines
  while start <= #content do
    local stop = content:find("\n", start, true) or #content + 1
    local raw = content:sub(start, stop - 1)
    start, number = stop + 1, number + 1
    local body, comment, after = strip(raw, depth)
    if after > 0 and depth == 0 then opened = number end
    depth = after
    body = body:match "^%s*(.-)%s*$"
    if body == "" then
      if comment then add_above(self, comment) end
    elseif body:byte() == 35 and body:find "^#%s*%a" then
      self:directive(body, { file = name, line = number })
    else
      local line = { text = body, file = name, line = number, above = self.above }
      if comment then line.comment = clean(comment) end
      lines[#lines + 1] = line
      self.above = nil
    end
  end
  if depth > 0 then
    self.report:unknown({ file = name, line = opened }, "the comment that begins here with ;-- has no end",
      "end it with --; or begin it with a plain ;")
  end
end

-- Follows a line that begins with #.
function reader:directive(body, at)
  self.report:count(at)
  local written, rest = body:match "^#%s*(%a+)%s*(.*)$"
  local word = written:lower()
  local name = rest:match '^"([^"]*)"' or rest:match "^<([^>]*)>" or rest:match "^[\"<]?([^\"<>]*)"
  name = text.trim(name or "")
  if word == "exec" then
    self:exec(name, at)
  elseif word ~= "include" and word ~= "tryinclude" then
    local near = text.nearest(word, directives)
    self.report:unknown(at, "there is no directive #" .. written,
      near and ("#%s was probably meant"):format(near) or "a comment begins with a semicolon")
  elseif name == "" then
    self.report:unknown(at, "#" .. word .. " without the name of a file", 'write #' .. word .. ' "name.conf"')
  elseif name:find "[*?%[]" then
    self:many(name, word == "include", at)
  else
    self:file(self.job.path(name), at, word == "include")
  end
end

-- A wildcard of file names as a pattern of Lua.
local function wildcard(glob)
  local pattern = glob:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", "[^/]*"):gsub("%?", "[^/]")
  pattern = pattern:gsub("%b[]", function(set) return (set:gsub("%%%-", "-"):gsub("^%[!", "[^")) end)
  return "^" .. pattern .. "$"
end

-- Includes all files that a name with wildcards stands for, in their order. The
-- wildcards may be in folders too.
function reader:many(glob, needed, at)
  local found = { "" }
  for part in self.job.path(glob):gmatch "[^/]+" do
    local deeper = {}
    for _, folder in ipairs(found) do
      if not part:find "[*?%[]" then
        deeper[#deeper + 1] = folder .. part
      else
        local ok, pattern = pcall(wildcard, part)
        for _, entry in ipairs(ok and self.job.list(folder) or {}) do
          local matches, hit = pcall(string.find, entry, pattern)
          if matches and hit and entry:byte() ~= 46 then deeper[#deeper + 1] = folder .. entry end
        end
      end
    end
    found = {}
    for i, path in ipairs(deeper) do found[i] = path .. "/" end
  end
  for _, path in ipairs(found) do self:file(path:sub(1, -2), at, false) end
  if #found == 0 and needed then self.report:note(at, "no file is called " .. glob) end
end

function reader:exec(command, at)
  if not self.job.exec then
    self.report:unknown(at, "#exec " .. command .. " was not run", "run moonwire translate with --exec to have its output translated")
    return
  end
  local output, reason = self.job.exec(command)
  if not output then
    self.report:unknown(at, ("#exec %s failed: %s"):format(command, reason), "mend the command")
    return
  end
  self:text(at.file .. ":" .. at.line, decode(self, at.file, output))
end

return reader
