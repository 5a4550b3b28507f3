-- Says how many messages there are: "You have two new and one old message."
--
-- A language is a row of data: which numbers take the plural, the words for each
-- kind in singular and plural, the word for one where it is not simply "1", and
-- whether the noun comes before ("dos mensajes nuevos"). A language that has no
-- row is spoken as English is. Prompts are those of Asterisk's packages.

local function both(word) return { word, word } end
local function ending(word) return { word, word .. "s" } end

local languages = {
  en = {
    plural = function(n) return n ~= 1 end,
    INBOX = both "vm-INBOX", Old = both "vm-Old", Urgent = both "vm-Urgent",
  },
  fr = {
    plural = function(n) return n > 1 end, -- aucun message, un message, deux messages
    INBOX = ending "vm-INBOX", Old = ending "vm-Old", Urgent = both "vm-Urgent",
  },
  de = {
    plural = function(n) return n ~= 1 end, one = "digits/1F",
    INBOX = { "vm-INBOX", "vm-INBOXs" }, Old = { "vm-Old", "vm-Olds" }, Urgent = both "vm-Urgent",
  },
  es = {
    plural = function(n) return n ~= 1 end, one = "digits/1M", noun_first = true,
    INBOX = ending "vm-INBOX", Old = ending "vm-Old", Urgent = both "vm-Urgent",
  },
  it = {
    plural = function(n) return n ~= 1 end, one = "digits/un",
    INBOX = { "vm-nuovo", "vm-nuovi" }, Old = { "vm-vecchio", "vm-vecchi" }, Urgent = both "vm-Urgent",
  },
}

local function grammar(language)
  return languages[language] or languages[language:match "^%a+"] or languages.en
end

local counts = {}

local function noun(g, n) return g.plural(n) and "vm-messages" or "vm-message" end

-- What to say of counts such as box:counts() gives.
function counts.items(language, found)
  local g = grammar(language)
  local kinds = {}
  for _, kind in ipairs { { "Urgent", found.urgent }, { "INBOX", found.new }, { "Old", found.old } } do
    if (kind[2] or 0) > 0 then kinds[#kinds + 1] = kind end
  end
  if #kinds == 0 then return { "vm-youhaveno", noun(g, 0) } end
  local items = { "vm-youhave" }
  for i, kind in ipairs(kinds) do
    local name, n = kind[1], kind[2]
    if i > 1 then items[#items + 1] = "vm-and" end
    items[#items + 1] = n == 1 and g.one or { number = n }
    local last = i == #kinds
    if g.noun_first and i == 1 then items[#items + 1] = noun(g, n) end
    items[#items + 1] = g[name][g.plural(n) and 2 or 1]
    if not g.noun_first and last then items[#items + 1] = noun(g, n) end
  end
  return items
end

return counts
