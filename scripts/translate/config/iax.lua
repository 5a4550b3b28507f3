-- iax.conf. IAX2 is not spoken here; what its users and peers would be in SIP
-- stands in config.lua as a comment, since most other ends speak SIP too.

local text = require "text"
local keys = require "config.keys"
local model = require "config.model"

local iax = {}

local reason = "IAX2 is not spoken by this version of moonwire"
local proposal = "a declaration for SIP stands in config.lua as a comment"

-- Keys that the declaration for SIP takes over, or that SIP has no need of.
local carried = keys.words [[type host username secret context callerid qualify language disallow allow port defaultip fullname
  trunk transfer notransfer jitterbuffer forcejitterbuffer maxjitterbuffer minexcessbuffer codecpriority adsi sendani
  qualifysmoothing qualifyfreqok qualifyfreqnotok requirecalltoken timezone regexten maxauthreq immediate dropcount mailbox]]

local general = keys.words [[bindport bindaddr port srvlookup iaxcompat nochecksums delayreject adsi bandwidth codecpriority
  jitterbuffer forcejitterbuffer maxjitterbuffer maxjitterinterps resyncthreshold minexcessbuffer maxexcessbuffer dropcount
  jittershrinkrate jittertargetextra trunkfreq trunktimestamps trunkmtu trunkmaxsize authdebug minregexpire maxregexpire
  iaxthreadcount iaxmaxthreadcount tos cos autokill allowfwdownload rtcachefriends rtupdate rtautoclear rtignoreregexpire
  rtignoreexpire mailboxdetail calltokenoptional maxcallnumbers maxcallnumbers_nonvalidated requirecalltoken disallow allow
  language context amaflags accountcode mohinterpret mohsuggest regcontext encryption forceencryption shrinkcallerid pingtime
  lagrqtime]]

local function settings(section)
  local s = {}
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if name == "allow" or name == "disallow" then
      s.codecs = model.codecs(s.codecs, entry, { approximate = function() end })
    else
      s[name] = entry.value
    end
  end
  return s
end

local function peer(site, section, report)
  local s = settings(section)
  report:unknown(section, ("[%s]: %s"):format(section.name, reason), proposal)
  for _, entry in ipairs(section.entries) do
    if carried[entry.name:lower()] then report:too(entry)
    else report:unknown(entry, ("%s of [%s]: %s"):format(keys.shown(entry), section.name, reason)) end
  end
  local host = s.host and s.host:lower()
  local f = { context = s.context, language = s.language, codecs = s.codecs and #s.codecs > 0 and s.codecs or nil }
  local out = { name = section.name, file = section.file, line = section.line, above = section.above, fields = f, what = "sip.phone" }
  if host and host ~= "dynamic" and host ~= "" then
    out.what, f.host, f.user, f.password = "sip.trunk", s.host, s.username, s.secret
  else
    f.password = s.secret
    if s.callerid then f.caller_id = model.caller_id(s.callerid) end
  end
  if s.qualify and not keys.words("no 0 off")[s.qualify:lower()] then f.qualify = 60 end
  site.proposals[#site.proposals + 1] = out
end

function iax.read(site, list, report)
  for _, section in ipairs(list) do
    local name = section.name:lower()
    if section.template then -- only there to be built upon
    elseif name == "general" then
      for _, entry in ipairs(section.entries) do
        local key = entry.name:lower()
        if key == "register" then
          report:unknown(entry, "register of IAX2: " .. reason, "ask the provider for an account of SIP: sip.trunk with register = true")
        elseif not general[key] then
          report:unknown(entry, ("%s: %s"):format(keys.shown(entry), reason),
            text.nearest(key, { "bindport", "register", "language", "disallow", "allow" }))
        end
      end
    elseif name == "callnumberlimits" then
      for _, entry in ipairs(section.entries) do report:too(entry) end
      report:unknown(section, "[callnumberlimits]: " .. reason)
    else
      peer(site, section, report)
    end
  end
end

return iax
