-- Menus of a voice response system.
--
--   local ivr = require "ivr"
--
--   return ivr.menu {
--     name = "main",
--     greeting = "welcome",
--     timeout = 5, attempts = 3,
--     ["1"] = function(call) return call:dial "sip/1001" end,
--     ["2"] = require "ivr.support",
--     ["0"] = ivr.dial "sip/reception",
--     ["*"] = ivr.back,
--     invalid = ivr.say "pbx-invalid",
--     silent = ivr.hangup "vm-goodbye",
--   }
--
-- A menu is a function that takes the call, so it can be an extension, or an
-- action of another menu. So is everything that this module makes.

local ivr = {}

-- As an action: leaves the menu. The menu that led to it begins again; for the
-- first menu, whoever called it goes on. A function of a menu may return it too.
ivr.back = "ivr.back"

-- As the result of an action: plays the menu's greeting again.
ivr.again = "ivr.again"

local settings = {
  name = "string", greeting = "string or table", timeout = "number", attempts = "number",
  digit_timeout = "number", language = "string", invalid = "action", silent = "action", failed = "action",
}

local function isKeys(name) return type(name) == "string" and name:match "^[%d*#A-D]+$" ~= nil end

-- Checks what a menu was made of, so that a misprint shows when it is loaded.
local function check(menu)
  for name, value in pairs(menu) do
    local wanted = settings[name]
    if not wanted and not isKeys(name) then
      error("ivr.menu: setting '" .. tostring(name) .. "' unknown; keys are written [\"1\"]", 3)
    end
    local kind = type(value)
    if not wanted or wanted == "action" then
      if kind ~= "function" and value ~= ivr.back and value ~= ivr.again then
        error("ivr.menu: [\"" .. name .. "\"] must be a function, got a " .. kind, 3)
      end
    elseif not wanted:find(kind, 1, true) then
      error("ivr.menu: " .. name .. " must be a " .. wanted .. ", got a " .. kind, 3)
    end
  end
end

-- The longest choice decides how many digits are read.
local function longest(menu)
  local length = 1
  for name in pairs(menu) do
    if isKeys(name) then length = math.max(length, #name) end
  end
  return length
end

-- Runs an action. Returns whether to leave the menu, and its result.
local function perform(action, call)
  local result = action
  if type(action) == "function" then result = action(call) end
  if result == ivr.again then return false end
  return true, result
end

-- Asks once. Returns the choice and nil, or nil and "timeout" or "invalid".
local function ask(menu, call, length)
  local digits, status, terminator = call:read {
    prompt = menu.greeting, max = length, min = 0, attempts = 1,
    timeout = menu.timeout or 5, digit_timeout = menu.digit_timeout or 2,
    terminators = length > 1 and not menu["#"] and "#" or "", language = menu.language,
  }
  local choice = digits or ""
  if choice == "" and terminator then return nil, "invalid" end
  if choice == "" then return nil, "timeout" end
  if menu[choice] == nil then return nil, "invalid" end
  return choice, status
end

-- Makes a menu. Its settings:
--   greeting   prompt, or list of prompts, played at each attempt
--   timeout    seconds to wait for a key after the greeting (5)
--   attempts   how often to ask (3)
--   ["1"] …    what to do for a choice; choices may have several digits
--   invalid    what to do for a wrong choice, before asking again
--   silent     what to do when nothing was pressed, before asking again
--   failed     what to do when all attempts are used up; the menu then ends
function ivr.menu(menu)
  check(menu)
  local length = longest(menu)
  return function(call)
    local left = menu.attempts or 3
    while left > 0 do
      local choice, problem = ask(menu, call, length)
      if choice then
        log.debug("menu %s: %s", menu.name or "", choice)
        local leave, result = perform(menu[choice], call)
        if leave and menu[choice] == ivr.back then return ivr.back end
        if leave and result ~= ivr.back then return result end
        left = menu.attempts or 3
      else
        log.debug("menu %s: %s", menu.name or "", problem)
        left = left - 1
        local action = problem == "timeout" and menu.silent or menu.invalid
        if action and perform(action, call) and action == ivr.back then return ivr.back end
      end
    end
    if menu.failed then return select(2, perform(menu.failed, call)) end
  end
end

-- An action that plays prompts.
function ivr.say(prompts)
  return function(call) call:play(prompts) end
end

-- An action that dials; options are those of call:dial.
function ivr.dial(targets, options)
  return function(call) return call:dial(targets, options or {}) end
end

-- An action that plays prompts, if any, and hangs up.
function ivr.hangup(prompts, cause)
  return function(call)
    if prompts then call:play(prompts) end
    call:hangup(cause)
  end
end

return ivr
