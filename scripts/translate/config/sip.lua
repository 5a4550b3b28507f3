-- sip.conf (chan_sip) and the SIP part of users.conf.

local text = require "text"
local model = require "config.model"

local sip = {}

local truth = model.truth

-- Settings that moonwire does by itself or has no need of, in all sections.
local harmless = {}
for word in ([[
  type disallow allow canreinvite directmedia directrtpsetup srvlookup pedantic nat insecure defaultuser username
  allowoverlap alwaysauthreject videosupport rtptimeout rtpholdtimeout rtpkeepalive session-timers session-expires
  session-minse session-refresher tos cos tos_sip tos_audio tos_video cos_sip cos_audio cos_video sdpsession sdpowner
  t1min timert1 timerb registertimeout registerattempts notifyringing notifyhold limitonpeers notifycid compactheaders
  maxcallbitrate dumphistory recordhistory sipdebug callevents rtcachefriends rtsavesysname rtupdate rtautoclear
  ignoreregexpire g726nonstandard relaxdtmf rfc2833compensate ignoresdpversion buggymwi callcounter busylevel hassip
  hasvoicemail hasmanager hasiax hash323 vmexten faxdetect promiscredir usereqphone prematuremedia progressinband
  qualifygap qualifypeers checkmwi mwiexpiry icesupport autodomain allowexternaldomains tcpauthtimeout tcpauthlimit
  unsolicited_mailbox shrinkcallerid match_auth_username static encryption_taglen jbenable jbforce jbmaxsize
  jbresyncthreshold jbimpl jblog fullname callwaiting threewaycalling callwaitingcallerid transfer cancallforward
  userbase localextenlength allow_aliasable_exten allow_aliasable allow_an_extns allow_an ]]):gmatch "%S+" do
  harmless[word] = true
end

-- The settings of a section, the last of each name; lists keep all.
local function settings_of(section, report)
  local s = { lists = { localnet = {}, register = {}, setvar = {}, permit = {}, deny = {} }, at = {} }
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if name == "allow" or name == "disallow" then
      s.codecs = model.codecs(s.codecs, entry, report)
    elseif s.lists[name] then
      s.lists[name][#s.lists[name] + 1] = entry
    else
      s[name], s.at[name] = entry.value, entry
    end
  end
  return s
end

-- Which of the settings of a section mean something here; the rest is reported.
local function report_rest(section, used, report)
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if not used[name] and not harmless[name] then
      report:unknown(entry, ("%s=%s of [%s] has no counterpart"):format(entry.name, entry.value, section.name),
        text.nearest(name, { "secret", "context", "callerid", "host", "mailbox", "username", "qualify", "language", "dtmfmode" }))
    end
  end
end

local general_used = {}
for word in ([[bindport port bindaddr udpbindaddr tcpenable tcpbindaddr tlsenable tlsbindaddr tlscertfile tlsprivatekey
  externip externaddr externhost localnet realm useragent context allowguest language dtmfmode qualify qualifyfreq
  defaultexpiry defaultexpirey maxexpiry maxexpirey minexpiry minexpirey register callerid trustrpid sendrpid]]):gmatch "%S+" do
  general_used[word] = true
end

local function listen(site, transport, address, port, entry)
  address = address ~= "" and address or "0.0.0.0"
  if address:find(":", 1, true) and not address:find "^%[" and select(2, address:gsub(":", "")) == 1 then
    address, port = address:match "^(.-):(%d+)$"
    if not address then return end
  end
  if address:find ":%d+$" and address:find "^%[" then
    address, port = address:match "^(%[.-%]):(%d+)$"
  end
  if address == "::" then address = "[::]" end
  site.listen[#site.listen + 1] = { value = ("%s:%s:%s"):format(transport, address or "0.0.0.0", port or "5060"), at = entry }
end

function sip.general(site, section, report, plan)
  local s = settings_of(section, report)
  report_rest(section, general_used, report)
  local port = (s.bindport or s.port or "5060"):match "%d+" or "5060"
  local address = (s.udpbindaddr or s.bindaddr or "0.0.0.0"):match "^%S*"
  listen(site, "udp", address, port)
  if s.tcpenable and truth(s.tcpenable) then listen(site, "tcp", (s.tcpbindaddr or address), port) end
  if s.tlsenable and truth(s.tlsenable) then listen(site, "tls", (s.tlsbindaddr or address), "5061") end
  local set = site.set
  set.advertise = s.externaddr or s.externip or s.externhost
  if #s.lists.localnet > 0 then
    set.local_nets = {}
    for i, entry in ipairs(s.lists.localnet) do set.local_nets[i] = model.network(entry.value) end
  end
  set.realm, set.user_agent = s.realm, s.useragent
  set.certificate, set.key = s.tlscertfile, s.tlsprivatekey
  if s.codecs and #s.codecs > 0 then set.codecs = s.codecs end
  if s.context and not (s.allowguest and not truth(s.allowguest)) then
    if plan.by_name[s.context] then
      site.guests = { context = s.context, at = s.at.context }
    else
      report:note(s.at.context, ("unknown callers have no context [%s] to go to: they are refused"):format(s.context))
    end
  end
  return s
end

local peer_used = {}
for word in ([[secret context callerid host mailbox port fromuser fromdomain outboundproxy language dtmfmode qualify
  qualifyfreq trustrpid sendrpid call-limit transport defaultexpiry maxexpiry minexpiry cid_number callerid auth
  remotesecret]]):gmatch "%S+" do
  peer_used[word] = true
end

local function seconds(s) return s and tonumber(s:match "^%d+") end

-- The fields that phones and trunks have in common.
local function common(s, defaults, report)
  local f = {}
  f.context = s.context or defaults.context
  f.language = s.language or defaults.language
  if s.codecs and #s.codecs > 0 then f.codecs = s.codecs end
  if s.dtmfmode then f.dtmf = model.dtmf(s.at.dtmfmode, report) end
  if s.nat and (s.nat:lower() == "no" or s.nat:lower() == "never") then f.nat = false end
  local qualify = s.qualify or defaults.qualify
  if qualify and qualify:lower() ~= "no" then f.qualify = seconds(s.qualifyfreq or defaults.qualifyfreq) or 60 end
  f.call_limit = seconds(s["call-limit"])
  return f
end

local function phone(site, section, s, defaults, report)
  local f = common(s, defaults, report)
  f.password = s.secret
  f.max_expires = seconds(s.maxexpiry or defaults.maxexpiry or defaults.maxexpirey)
  f.min_expires = seconds(s.minexpiry or defaults.minexpiry or defaults.minexpirey)
  if s.callerid then
    f.caller_id = model.caller_id(s.callerid)
  elseif s.fullname then
    f.caller_id = ('"%s" <%s>'):format(s.fullname, s.cid_number or section.name)
  end
  f.mailbox = s.mailbox
  if not s.secret or s.secret == "" then
    f.password = nil
    report:approximate(section, ("[%s] has no secret: anybody could register"):format(section.name),
      "moonwire makes a password; give it to the phone")
  end
  local user = s.defaultuser or s.username
  if user and user ~= section.name and s.hassip == nil then
    report:note(section, ("the phone [%s] registers as %s, whatever its %s says"):format(section.name, section.name,
      s.defaultuser and "defaultuser" or "username"))
  end
  if not f.context then
    report:unknown(section, ("[%s] has no context"):format(section.name), "say which numbers it may dial: context=…")
    return
  end
  model.add(site, "phone", section.name, f, section, report)
end

local function trunk(site, section, s, defaults, report)
  local f = common(s, defaults, report)
  f.host = s.host .. (s.port and s.port ~= "5060" and ":" .. s.port or "")
  f.user, f.password = s.defaultuser or s.username, s.remotesecret or s.secret
  if f.password and not f.user then f.user = section.name end
  f.from_user, f.from_domain, f.outbound_proxy = s.fromuser, s.fromdomain, s.outboundproxy
  local transport = s.transport and s.transport:lower():match "^%a+"
  if transport and transport ~= "udp" then f.transport = transport end
  local trusting = s.trustrpid or defaults.trustrpid
  if trusting and truth(trusting) then f.trust_identity = true end
  local insecure = (s.insecure or defaults.insecure or ""):lower()
  if f.password and not insecure:find "invite" and not insecure:find "very" and (s.type or "") ~= "peer" then f.auth = true end
  model.add(site, "trunk", section.name, f, section, report)
end

-- One peer, user or friend.
function sip.peer(site, section, defaults, report)
  local s = settings_of(section, report)
  report_rest(section, peer_used, report)
  for _, name in ipairs { "setvar", "permit", "deny" } do
    for _, entry in ipairs(s.lists[name]) do
      report:unknown(entry, ("%s=%s of [%s] has no counterpart"):format(name, entry.value, section.name),
        name == "setvar" and "set it in the dialplan" or "limit addresses in the firewall")
    end
  end
  for _, entry in ipairs(s.lists.register) do report:unknown(entry, "register belongs to [general]", "move it there") end
  local host = s.host and s.host:lower()
  if host and host ~= "dynamic" and host ~= "" then
    trunk(site, section, s, defaults, report)
  else
    phone(site, section, s, defaults, report)
  end
end

-- register => [peer?][transport://]user[@domain][:secret[:authuser]]@host[:port][/extension][~expiry]
function sip.register(site, entry, defaults, report)
  local rest, expires = entry.value:match "^(.-)~(%d+)$"
  rest = (rest or entry.value):gsub("^[^?]*%?", ""):gsub("^%a+://", "")
  local left, right = rest:match "^(.*)@([^@]*)$"
  if not left or left == "" then
    report:unknown(entry, ("cannot read register => %s"):format(entry.value), "write register => user:password@host/extension")
    return
  end
  local host, extension = right:match "^([^/]*)/?(.*)$"
  local user, password, auth_user = left:match "^([^:]*):?([^:]*):?(.*)$"
  local name = user:match "^([^@]*)"
  host = host:gsub(":5060$", "")
  local found
  for _, one in ipairs(site.trunks) do
    if one.fields.host == host and (not one.fields.user or one.fields.user == name) then found = one end
  end
  if not found then
    found = model.add(site, "trunk", host:gsub("[^%w.-]", "-"), { host = host, context = defaults.context }, entry, report)
    if not found then return end
  end
  local f = found.fields
  f.user = f.user or name
  if password ~= "" then f.password = f.password or password end
  if auth_user ~= "" then f.auth_user = auth_user end
  if user:find("@", 1, true) then f.from_domain = f.from_domain or user:match "@(.*)$" end
  f.register = true
  f.register_as = extension ~= "" and extension or "s"
  f.expires = tonumber(expires) or seconds(defaults.defaultexpiry or defaults.defaultexpirey)
end

-- All of sip.conf.
function sip.read(site, list, report, plan)
  local defaults = { lists = { register = {} } }
  for _, section in ipairs(list) do
    if not section.template and section.name:lower() == "general" then defaults = sip.general(site, section, report, plan) end
  end
  for _, section in ipairs(list) do
    local name = section.name:lower()
    if section.template or name == "general" then -- done
    elseif name == "authentication" then
      for _, entry in ipairs(section.entries) do
        report:unknown(entry, "credentials by realm have no counterpart", "give the trunk user and password")
      end
    else
      sip.peer(site, section, defaults, report)
    end
  end
  for _, entry in ipairs(defaults.lists.register) do sip.register(site, entry, defaults, report) end
end

-- users.conf: what each user has is said by hassip and the like.
function sip.users(site, list, report)
  local general = { lists = {} }
  for _, section in ipairs(list) do
    if section.name:lower() == "general" then general = settings_of(section, report) end
  end
  for _, section in ipairs(list) do
    if not section.template and section.name:lower() ~= "general" then
      local s = settings_of(section, report)
      if truth(s.hassip or general.hassip or "no") then
        report_rest(section, setmetatable({ vmsecret = true, email = true, pager = true }, { __index = peer_used }), report)
        s.hassip = "yes"
        phone(site, section, s, general, report)
        if truth(s.hasvoicemail or general.hasvoicemail or "no") then
          local phone_fields = site.by_name[section.name]
          if phone_fields and not phone_fields.fields.mailbox then phone_fields.fields.mailbox = section.name end
        end
      else
        report:unknown(section, ("user [%s] has no SIP account"):format(section.name), "only hassip=yes has a counterpart")
      end
    end
  end
end

return sip
