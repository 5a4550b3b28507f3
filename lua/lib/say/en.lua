-- English, as said in North America: "three hundred forty two".

local en = {}

-- Adds prompts to a list, and returns the list.
local function add(list, ...)
  for _, name in ipairs { ... } do list[#list + 1] = name end
  return list
end

local scales = { { 1e9, "billion" }, { 1e6, "million" }, { 1e3, "thousand" } }

-- Adds a whole number from 0 to 999 999 999 999.
local function cardinal(list, n)
  for _, scale in ipairs(scales) do
    local size, name = scale[1], scale[2]
    if n >= size then
      cardinal(list, math.floor(n / size))
      add(list, "digits/" .. name)
      n = n % size
      if n == 0 then return list end
    end
  end
  if n >= 100 then
    add(list, "digits/" .. math.floor(n / 100), "digits/hundred")
    n = n % 100
    if n == 0 then return list end
  end
  if n > 20 and n % 10 ~= 0 then
    return add(list, "digits/" .. n - n % 10, "digits/" .. n % 10)
  end
  return add(list, "digits/" .. n)
end

local keys = { ["*"] = "digits/star", ["#"] = "digits/pound", ["-"] = "digits/minus", ["+"] = "letters/plus" }

-- One key after another; what is not on a keypad is left out.
function en.digits(value)
  local list = {}
  for character in tostring(value):gmatch "." do
    if character:match "%d" then
      add(list, "digits/" .. character)
    elseif keys[character] then
      add(list, keys[character])
    end
  end
  return list
end

-- A quantity; a fraction is said digit by digit.
function en.number(value)
  local list = {}
  if value < 0 then add(list, "digits/minus") end
  value = math.abs(value)
  if value >= 1e12 then return add(list, unpack(en.digits(string.format("%.0f", value)))) end
  local fraction = string.format("%.6f", value % 1):match "^0%.(%d-)0*$"
  cardinal(list, math.floor(value))
  if fraction and fraction ~= "" then
    add(list, "digits/point", unpack(en.digits(fraction)))
  end
  return list
end

-- A place: only its last word is an ordinal.
function en.ordinal(n)
  local list, tail = {}, n % 100
  if n == 0 or n >= 1e12 then return en.number(n) end
  if tail == 0 then
    cardinal(list, n)
    list[#list] = list[#list]:gsub("^digits/", "digits/h-")
    return list
  end
  if n > tail then cardinal(list, n - tail) end
  if tail > 20 and tail % 10 ~= 0 then
    return add(list, "digits/" .. tail - tail % 10, "digits/h-" .. tail % 10)
  end
  return add(list, "digits/h-" .. tail)
end

local signs = {
  ["@"] = "at", ["-"] = "dash", ["."] = "dot", ["/"] = "slash", ["+"] = "plus", [" "] = "space",
  ["="] = "equals", ["*"] = "asterisk", ["!"] = "exclaimation-point", ["$"] = "dollar", ["_"] = "underscore",
}

-- A word spelt; what has no name is left out.
function en.letters(value)
  local list = {}
  for character in value:lower():gmatch "." do
    if character:match "%a" then
      add(list, "letters/" .. character)
    elseif character:match "%d" then
      add(list, "digits/" .. character)
    elseif signs[character] then
      add(list, "letters/" .. signs[character])
    end
  end
  return list
end

-- "nineteen eighty four", "nineteen oh five", "two thousand five", "twenty twenty six"
local function year(list, y)
  if y < 1000 or y > 9999 or (y >= 2000 and y < 2010) then return cardinal(list, y) end
  local century, rest = math.floor(y / 100), y % 100
  if y % 1000 == 0 then return cardinal(list, y) end
  cardinal(list, century)
  if rest == 0 then return add(list, "digits/hundred") end
  if rest < 10 then add(list, "digits/oh") end
  return cardinal(list, rest)
end

-- "Wednesday, March fourth, twenty twenty six"
function en.date(d)
  local list = { "digits/day-" .. d.wday - 1, "digits/mon-" .. d.month - 1 }
  add(list, unpack(en.ordinal(d.day)))
  return year(list, d.year)
end

-- "six thirty P M", "nine oh five A M", "twelve o'clock P M"
function en.time(d)
  local list = cardinal({}, (d.hour + 11) % 12 + 1)
  if d.min == 0 then
    add(list, "digits/oclock")
  else
    if d.min < 10 then add(list, "digits/oh") end
    cardinal(list, d.min)
  end
  return add(list, d.hour < 12 and "digits/a-m" or "digits/p-m")
end

function en.datetime(d)
  return add(add(en.date(d), "digits/at"), unpack(en.time(d)))
end

-- "one hour two minutes thirty seconds"; what is nought is left out.
function en.duration(value)
  local list, left = {}, math.floor(value + 0.5)
  for _, unit in ipairs { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } } do
    local n = math.floor(left / unit[1])
    left = left % unit[1]
    if n > 0 or (unit[1] == 1 and #list == 0) then
      cardinal(list, n)
      add(list, n == 1 and unit[2] or unit[2] .. "s")
    end
  end
  return list
end

local dollar = { "dollar", "dollars", "cent", "cents" }

-- One, several, and the hundredths; what has none has two names.
local currencies = {
  USD = dollar, CAD = dollar, AUD = dollar, NZD = dollar,
  EUR = { "euro", "euros", "cent", "cents" },
  GBP = { "pound", "pounds", "penny", "pence" },
  CHF = { "franc", "francs", "centime", "centimes" },
  JPY = { "yen", "yen" },
}

-- "minus three dollars and fifty cents", "one penny"; of a currency without a
-- name here the amount and then its code: "three point five C Z K".
function en.money(amount, code)
  code = (code or "USD"):upper()
  local names = currencies[code]
  if not names then return add(en.number(amount), unpack(en.letters(code))) end
  local parts = names[3] and 100 or 1
  local total = math.floor(math.abs(amount) * parts + 0.5)
  local whole, rest = math.floor(total / parts), total % parts
  local list = {}
  if amount < 0 and total > 0 then add(list, "digits/minus") end
  if whole > 0 or rest == 0 then
    add(list, unpack(en.number(whole)))
    add(list, "currency/" .. (whole == 1 and names[1] or names[2]))
    if rest > 0 then add(list, "digits/and") end
  end
  if rest > 0 then
    cardinal(list, rest)
    add(list, "currency/" .. (rest == 1 and names[3] or names[4]))
  end
  return list
end

return en
