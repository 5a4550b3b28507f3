-- The steps of an extension as if, while and return, where their jumps allow it.
--
-- The steps are the nodes of a graph, and its edges are where they go on. A
-- step that is reached from one place only is written there; one that is reached
-- from several is written behind the step that all ways to it lead through (its
-- dominator), so that the ways fall through to it. Where a way would have to
-- fall through to two places, or a loop is entered in its middle, the extension
-- stays a table.
--
-- The result is a list of
--
--   { step = step, leaves =, out = }           a step; leaves: with return before it;
--                                              out: it is a Goto to elsewhere
--   { cond = step, yes = list, no = list }     if
--   { loop = "while", cond = step, negated =, body = list }
--   { loop = "until", cond = step, negated =, body = list }
--   { loop = "forever", body = list }
--   "break", "return"

local text = require "text"
local arguments = require "arguments"
local dialplan = require "dialplan"

local structure = {}

local most = 400 -- steps of an extension that is made a graph
local deepest = 12 -- blocks within one another

local unfit = {} -- what is raised where the steps do not fit

local function fail(reason) error({ unfit, reason }, 0) end

-- Edges ---------------------------------------------------------------------------------

-- Applications behind which nothing comes.
local final = { hangup = true, ["return"] = true, macroexit = true }

-- Applications that look for their other parts by themselves.
local branching = { ["if"] = true, ["elseif"] = true, ["else"] = true, ["endif"] = true, exitif = true }

-- The priority that a place means, nil where it is not certain to be in the extension.
local function target(context, extension, step, place)
  if not arguments.is_static(place) then return nil end
  local parts = text.split(place, ",")
  local last = text.trim(parts[#parts])
  if #parts > 3 or #parts >= 2 and (extension.pattern:byte() == 95 or text.trim(parts[#parts - 1]) ~= extension.pattern) then return nil end
  if #parts == 3 and text.trim(parts[1]) ~= context.name then return nil end
  local sign, number = last:match "^([+-]?)(%d+)$"
  if number then
    number = tonumber(number)
    if sign == "+" then number = step.priority + number elseif sign == "-" then number = step.priority - number end
    return extension.by_priority[number] and number
  end
  return extension.labels[last] and extension.labels[last].priority
end

-- Where loops begin and end, by both.
local function loops(extension)
  local ends, begins, stack = {}, {}, {}
  for _, step in ipairs(extension.steps) do
    local app = step.app:lower()
    if app == "while" then
      stack[#stack + 1] = step.priority
    elseif app == "endwhile" then
      local first = table.remove(stack)
      if not first then fail "EndWhile without While" end
      ends[first], begins[step.priority] = step.priority, first
    elseif app == "exitwhile" or app == "continuewhile" then
      begins[step.priority] = stack[#stack] or fail "outside of a loop"
    elseif branching[app] then
      fail "If and its kind"
    end
  end
  if #stack > 0 then fail "While without EndWhile" end
  return ends, begins
end

-- What step p does: { kind =, to =, yes =, no = }; 0 is out of the extension.
local function edges(context, extension, p, ends, begins)
  local step = extension.steps[p]
  local app = step.app:lower()
  if app == "goto" then
    local to = target(context, extension, step, step.args)
    return to and { kind = "jump", to = to } or { kind = "leave", out = true }
  elseif app == "gotoif" or app == "gotoiftime" then
    local places = step.args:match "%?(.*)$"
    if not places or step.args:find("?", 1, true) ~= #step.args - #places then
      if places then fail "a question mark within the condition" end
      return { kind = "plain" }
    end
    local yes, no = places, nil
    local colon = arguments.is_static(places) and places:find(":", 1, true)
    if colon then yes, no = places:sub(1, colon - 1), places:sub(colon + 1) end
    local function branch(place)
      if not place or text.trim(place) == "" then return p + 1 end
      return target(context, extension, step, place) or 0
    end
    local one = { kind = "cond", yes = branch(yes), no = branch(no) }
    if not arguments.is_static(places) and #arguments.split(places, ":") > 1 then one.no = 0 end
    if one.yes == 0 and one.no == 0 then return { kind = "leave", both = true } end
    if one.yes == one.no then fail "both ways lead to one place" end
    return one
  elseif app == "while" then
    return { kind = "cond", yes = p + 1, no = ends[p] + 1 }
  elseif app == "endwhile" or app == "continuewhile" then
    return { kind = "jump", to = begins[p] }
  elseif app == "exitwhile" then
    return { kind = "jump", to = ends[begins[p]] + 1 }
  elseif final[app] then
    return { kind = "leave" }
  end
  return { kind = "plain" }
end

-- The graph ---------------------------------------------------------------------------------

local graph = {}
graph.__index = graph

function graph:successors(p)
  local e = self.edges[p]
  if p == self.last then return {} end
  if e.kind == "cond" then return { e.yes, e.no } end
  if e.kind == "jump" then return { e.to } end
  if e.kind == "plain" or e.dead then return { p + 1 } end
  return {}
end

-- Orders the nodes that are reached, in reverse postorder, and finds their
-- predecessors.
function graph:order()
  local seen, post, before = {}, {}, {}
  local function visit(p)
    seen[p] = true
    local to = self:successors(p)
    for i = #to, 1, -1 do
      local q = to[i]
      if q ~= 0 then
        before[q] = before[q] or {}
        table.insert(before[q], p)
        if not seen[q] then visit(q) end
      end
    end
    post[#post + 1] = p
  end
  visit(1)
  local nodes, index = {}, {}
  for i = #post, 1, -1 do
    nodes[#nodes + 1] = post[i]
    index[post[i]] = #nodes
  end
  self.nodes, self.index, self.before = nodes, index, before
end

-- Lets what is never reached follow what stands before it, as it is written.
function graph:bury()
  self:order()
  for p = 2, self.last - 1 do
    if not self.index[p] then
      if not self.index[p - 1] or self.edges[p - 1].kind ~= "leave" or self.edges[p - 1].both then fail "steps that nothing leads to" end
      self.edges[p - 1].dead = true
      self:order()
    end
  end
end

-- The node through which all ways to each lead.
function graph:dominators()
  local above, index = { [1] = 1 }, self.index
  local changed = true
  while changed do
    changed = false
    for i = 2, #self.nodes do
      local p, common = self.nodes[i], nil
      for _, q in ipairs(self.before[p]) do
        if above[q] then
          local a, b = q, common or q
          while a ~= b do
            while index[a] > index[b] do a = above[a] end
            while index[b] > index[a] do b = above[b] end
          end
          common = a
        end
      end
      if above[p] ~= common then above[p], changed = common, true end
    end
  end
  self.above = above
end

function graph:dominates(a, b)
  while b ~= a and b ~= 1 do b = self.above[b] end
  return a == b
end

-- Finds loops, and which nodes are reached from more than one place.
function graph:classify()
  self.bodies, self.inline = {}, {}
  for _, p in ipairs(self.nodes) do
    local forward = 0
    for _, q in ipairs(self.before[p] or {}) do
      if self.index[q] < self.index[p] then
        forward = forward + 1
      elseif self:dominates(p, q) then
        self:body(p, q)
      else
        fail "a loop that is entered in its middle"
      end
    end
    self.inline[p] = forward == 1
  end
  self.merges = {}
  for _, p in ipairs(self.nodes) do
    if p ~= 1 and p ~= self.last and not self.inline[p] then
      local list = self.merges[self.above[p]] or {}
      list[#list + 1] = p
      self.merges[self.above[p]] = list
    end
  end
end

-- Adds to the body of the loop at p what comes back to it from q.
function graph:body(p, q)
  local body = self.bodies[p] or { [p] = true }
  self.bodies[p] = body
  local open = { q }
  while #open > 0 do
    local one = table.remove(open)
    if not body[one] then
      body[one] = true
      for _, before in ipairs(self.before[one] or {}) do open[#open + 1] = before end
    end
  end
end

-- Where the loop at p goes on when it ends: behind a condition at its head, at
-- its end, or the one place that it is left to.
function graph:way_out(p)
  local body, places, count = self.bodies[p], {}, 0
  local function outside(q)
    local to
    for _, one in ipairs(self:successors(q)) do
      if one ~= 0 and not body[one] then to = one end
    end
    return to
  end
  if outside(p) then return outside(p) end
  local latch
  for q in pairs(body) do
    local to = outside(q)
    if to and not places[to] then places[to], count = true, count + 1 end
    for _, one in ipairs(self:successors(q)) do
      if one == p and to and (not latch or q > latch) then latch = q end
    end
  end
  if latch then return outside(latch) end
  if count > 1 then fail "a loop that is left to several places" end
  return (next(places))
end

-- Writing ------------------------------------------------------------------------------------

local function join(list, more)
  for _, one in ipairs(more) do list[#list + 1] = one end
  return list
end

-- Whether nothing comes behind a list.
local function ends(list)
  local last = list[#list]
  return last == "break" or last == "return" or type(last) == "table" and last.leaves
end

-- A condition with its branches; where one of them goes elsewhere, the other stands behind it.
local function condition(step, yes, no)
  if #yes > 0 and ends(yes) then return join({ { cond = step, yes = yes, no = {} } }, no) end
  if #no > 0 and ends(no) then return join({ { cond = step, yes = {}, no = no } }, yes) end
  return { { cond = step, yes = yes, no = no } }
end

-- What leads to node p, where follow comes next by itself.
function graph:edge(p, follow, loop, depth)
  if p == 0 then return { "return" } end
  if p == follow then return {} end
  if loop and p == loop.out then return { "break" } end
  if p == self.last then return { "return" } end
  if self.inline[p] and not self.written[p] then return self:walk(p, follow, loop, depth) end
  fail "jumps across one another"
end

function graph:step(p, follow, loop, depth)
  local e, step = self.edges[p], self.extension.steps[p]
  if e.kind == "cond" then
    return condition(step, self:edge(e.yes, follow, loop, depth + 1), self:edge(e.no, follow, loop, depth + 1))
  elseif e.kind == "jump" then
    return join({ { step = step } }, self:edge(e.to, follow, loop, depth))
  elseif e.kind == "leave" and not e.dead then
    return { { step = step, leaves = true, out = e.out } }
  end
  return join({ { step = step, out = e.out } }, self:edge(p + 1, follow, loop, depth))
end

-- A node, all that is written within it, and what its ways come together at.
function graph:inner(p, follow, loop, depth)
  self.written[p] = true
  local merges = {}
  for _, q in ipairs(self.merges[p] or {}) do
    if not self.claimed[q] then merges[#merges + 1] = q end
  end
  local list = self:step(p, merges[1] or follow, loop, depth)
  for i, q in ipairs(merges) do join(list, self:walk(q, merges[i + 1] or follow, loop, depth)) end
  return list
end

function graph:walk(p, follow, loop, depth)
  if depth > deepest then fail "blocks that are nested too deeply" end
  if self.written[p] then fail "jumps across one another" end
  if not self.bodies[p] then return self:inner(p, follow, loop, depth) end
  local out = self:way_out(p)
  local below = out and out ~= follow and not (loop and out == loop.out) and out ~= self.last and self:dominates(p, out)
  if below then self.claimed[out] = true end
  local list = { structure.loop(self:inner(p, p, { out = out }, depth + 1), p) }
  if below then return join(list, self:walk(out, follow, loop, depth)) end
  if out then return join(list, self:edge(out, follow, loop, depth)) end
  return list
end

local function only(list, word) return #list == 1 and list[1] == word end

-- Gives a loop the condition at its head or at its end, where it has one there.
function structure.loop(body, head)
  local first, last = body[1], body[#body]
  if first.yes and first.cond.priority == head and (only(first.yes, "break") or only(first.no, "break")) then
    local negated = only(first.yes, "break")
    table.remove(body, 1)
    return { loop = "while", cond = first.cond, negated = negated, body = join(negated and first.no or first.yes, body) }
  end
  if last.yes and (only(last.yes, "break") and #last.no == 0 or only(last.no, "break") and #last.yes == 0) then
    table.remove(body)
    return { loop = "until", cond = last.cond, negated = only(last.no, "break"), body = body }
  end
  return { loop = "forever", body = body }
end

-- The tree of an extension, and where its loops end; nil and the reason where it
-- has to be a table.
function structure.of(context, extension)
  local steps = extension.steps
  if #steps > most then return nil, "too many steps" end
  for i, step in ipairs(steps) do
    if step.priority ~= i then return nil, "gaps between priorities" end
    if step.file ~= steps[1].file then return nil, "several files" end
  end
  local self = setmetatable({ extension = extension, edges = {}, last = #steps + 1, written = {}, claimed = {} }, graph)
  local ends
  local done, tree = pcall(function()
    local begins
    ends, begins = loops(extension)
    for p = 1, #steps do self.edges[p] = edges(context, extension, p, ends, begins) end
    self:bury()
    self:dominators()
    self:classify()
    local list = self:walk(1, self.last, nil, 1)
    for p = 1, #steps do
      if not self.written[p] then fail "steps that are not written" end
    end
    return list
  end)
  if done then return tree, ends end
  if type(tree) == "table" and tree[1] == unfit then return nil, tree[2] end
  error(tree, 0)
end

-- Places that are entered from elsewhere ---------------------------------------------------

local inside = "${~~EXTEN~~}" -- the extension around a switch of AEL, in its cases

-- The extensions of a context that have steps of a label or a priority in their
-- middle, by both.
local function middles(context)
  local list = {}
  local function add(key, extension)
    list[key] = list[key] or {}
    table.insert(list[key], extension)
  end
  for _, extension in ipairs(context.extensions) do
    for _, step in ipairs(extension.steps) do
      if step.priority > 1 then
        add(step.priority, extension)
        if step.label then add(step.label, extension) end
      end
    end
  end
  return list
end

-- Marks the extensions that the step of another leads into the middle of.
function structure.entries(plan)
  local found = {}
  local function mark(context, name, label, from)
    found[context] = found[context] or middles(context)
    local number = tonumber(label)
    local written = arguments.is_static(name)
    if number and written then
      local one = dialplan.find(context, name)
      if one and one ~= from and one.by_priority[number] and number > 1 then one.entered = true end
      return
    end
    if number and name ~= inside then return end
    for _, extension in ipairs(found[context][number or label] or {}) do
      if extension ~= from and (not written or name == extension.pattern) then extension.entered = true end
    end
  end
  local function look(context, extension, place)
    local parts = text.split(place:gsub("%(.*$", ""), ",")
    local label = text.trim(parts[#parts])
    if #parts < 2 or not arguments.is_static(label) then return end
    local name = text.trim(parts[#parts - 1])
    local where = parts[3] and text.trim(parts[1]) or context.name
    if arguments.is_static(where) then
      if plan.by_name[where] then mark(plan.by_name[where], name, label, extension) end
    elseif not tonumber(label) then
      for _, one in ipairs(plan.contexts) do mark(one, name, label, extension) end
    end
  end
  for _, context in ipairs(plan.contexts) do
    for _, extension in ipairs(context.extensions) do
      for _, step in ipairs(extension.steps) do
        local app = step.app:lower()
        if app == "goto" or app == "gosub" then
          look(context, extension, step.args)
        elseif app == "gotoif" or app == "gotoiftime" or app == "gosubif" then
          local places = step.args:match "%?(.*)$" or ""
          for _, place in ipairs(arguments.split(places, ":")) do look(context, extension, place) end
        end
      end
    end
  end
end

return structure
