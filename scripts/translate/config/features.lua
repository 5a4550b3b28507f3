-- features.conf and res_parking.conf: keys that do something while people talk.

local keys = require "config.keys"

local features = {}

local parking = "this version of moonwire has no parked calls"
local pickup = "this version of moonwire cannot pick up a call that rings elsewhere"
local phone = "phones transfer with their own key; or say what a key does with on_digit of call:dial"

local parking_keys = {}
for word in ([[parkext parkpos context parkingtime comebacktoorigin comebackcontext comebackdialtime courtesytone parkedplay
  parkedcalltransfers parkedcallreparking parkedcallhangup parkedcallrecording parkeddynamic adsipark findslot
  parkedmusicclass parkinghints parkext_exclusive parkedcallrecording]]):gmatch "%S+" do
  parking_keys[word] = { reason = parking, unless = "default" }
end

local general = {
  plain = "transferdigittimeout featuredigittimeout transferdialattempts transferretrysound transferinvalidsound atxferabort atxfercomplete atxferthreeway atxferswap",
  pickupexten = { reason = pickup }, pickupsound = { reason = pickup }, pickupfailsound = { reason = pickup },
  xfersound = { status = "approximate", reason = "transfers make no sound of their own" },
  xferfailsound = { status = "approximate", reason = "transfers make no sound of their own" },
  atxfernoanswertimeout = { reason = "transfers with consultation are made by the phones", suggestion = phone },
  atxferdropcall = { off = true, reason = "transfers with consultation are made by the phones" },
  atxferloopdelay = { reason = "transfers with consultation are made by the phones" },
  atxfercallbackretries = { reason = "transfers with consultation are made by the phones" },
  recordingfailsound = { reason = "calls are not recorded by a key" },
}
for name, rule in pairs(parking_keys) do general[name] = rule end

features.read = keys.reader {
  reason = "features of this kind are not there",
  sections = {
    general = general,
    featuremap = {
      blindxfer = { reason = "the server transfers on no key", suggestion = phone },
      atxfer = { reason = "the server transfers on no key", suggestion = phone },
      disconnect = { status = "approximate", unless = "*", reason = "Dial ends a talk with * where its option is h or H", suggestion = "hangup_on of call:dial takes other keys" },
      automon = { reason = "calls are not recorded by a key", suggestion = "on_digit of call:dial" },
      automixmon = { reason = "calls are not recorded by a key", suggestion = "on_digit of call:dial" },
      parkcall = { reason = parking },
    },
    applicationmap = {
      otherwise = { reason = "keys that run an application are not there", suggestion = "on_digit of call:dial runs a function for each key" },
    },
    other = { otherwise = { reason = "groups of features and parking lots are not there" } },
  },
}

features.parking = keys.reader {
  reason = parking,
  sections = { general = general, other = parking_keys },
}

return features
