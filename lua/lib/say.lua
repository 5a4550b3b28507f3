-- Says numbers, dates and the like: finds the grammar of a language and asks it
-- for the names of the prompts to play.
--
-- A grammar is a module "say.<language>" that returns a table of functions, one
-- for each kind that call:say knows (digits, number, ordinal, letters, date,
-- time, datetime, duration, money). Each takes the value and returns a list of
-- prompts; those of dates and times get the parts that time.date gives, and
-- money gets the code of the currency as well. What a grammar lacks is said in
-- English.

local say = {}

local dated = { date = true, time = true, datetime = true }
local kinds = { "digits", "number", "ordinal", "letters", "date", "time", "datetime", "duration", "money" }

-- The grammar for "en-GB" is that of "en-GB", else of "en"; for a language that
-- has none it is the English one.
function say.grammar(language)
  for _, name in ipairs { language, language:match "^(%a+)[-_]" or language, "en" } do
    local found, grammar = pcall(require, "say." .. name:lower())
    if found then return grammar end
  end
end

-- Lists the prompts for what call:say was given.
function say.prompts(language, what)
  local grammar = say.grammar(language)
  for _, kind in ipairs(kinds) do
    local value = what[kind]
    if value ~= nil then
      if dated[kind] then value = time.date(value, what.zone) end
      return (grammar[kind] or require("say.en")[kind])(value, what.currency)
    end
  end
  return {}
end

return say
