-- sip.conf (chan_sip) and the SIP part of users.conf.

local text = require "text"
local keys = require "config.keys"
local model = require "config.model"
local peers = require "config.peers"

local sip = {}

local truth = model.truth

-- Settings that moonwire does by itself or has no need of, in all sections.
local plain = keys.words [[
  type disallow allow canreinvite directmedia directrtpsetup srvlookup pedantic nat insecure defaultuser username
  allowoverlap alwaysauthreject rtpkeepalive session-timers session-expires session-minse session-refresher tos cos tos_sip
  tos_audio tos_video tos_text cos_sip cos_audio cos_video cos_text sdpsession sdpowner t1min timert1 timerb registertimeout
  registerattempts notifyringing notifyhold notifycid limitonpeers compactheaders maxcallbitrate dumphistory recordhistory
  sipdebug callevents rtcachefriends rtsavesysname rtupdate rtautoclear ignoreregexpire g726nonstandard relaxdtmf
  rfc2833compensate ignoresdpversion buggymwi callcounter hassip hasvoicemail hasmanager hasiax hash323 prematuremedia
  qualifygap qualifypeers checkmwi mwiexpiry mwi_from notifymimetype autodomain allowexternaldomains tcpauthtimeout tcpauthlimit
  unsolicited_mailbox shrinkcallerid match_auth_username static encryption_taglen jbenable jbforce jbmaxsize
  jbresyncthreshold jbimpl jblog jbtargetextra fullname callwaiting threewaycalling callwaitingcallerid transfer cancallforward
  userbase localextenlength allow_aliasable_exten allow_aliasable allow_an_extns allow_an externrefresh externtcpport
  externtlsport maxforwards description lastms fullcontact dynamic_exclude_static use_q850_reason storesipcause
  tlscafile tlscapath tlscadir tlscipher tlsclientmethod tlsdontverifyserver constantssrc autoframing hash_users
  hash_peers defaultip websocket_write_timeout discard_remote_hold_retrieval legacy_useroption_parsing]]

local off = keys.words "no false off 0"

local subscriptions = "phones cannot subscribe to the state of others"
local pickup = "this version of moonwire cannot pick up a call that rings elsewhere"
local encrypted = "media is not encrypted"
local web = "browsers do not call this version of moonwire"
local addresses = "phones are taken from any address that knows the password"

-- Settings that have no counterpart; see keys.lua.
local told = {
  videosupport = { off = true, reason = "video is not carried" },
  textsupport = { off = true, reason = "text is not carried" },
  rtptimeout = { off = true, status = "approximate", reason = "a call whose media stops goes on", suggestion = "session timers end calls whose other end is gone" },
  rtpholdtimeout = { off = true, status = "approximate", reason = "a call on hold goes on", suggestion = "session timers end calls whose other end is gone" },
  faxdetect = { off = true, reason = "fax tones are not looked for" },
  t38pt_udptl = { off = true, reason = "T.38 is not spoken", suggestion = "fax goes over ulaw or alaw" },
  promiscredir = { off = true, reason = "a 302 does not lead to addresses elsewhere" },
  usereqphone = { off = true, status = "approximate", reason = "user=phone is not added to addresses" },
  progressinband = { unless = "never no", status = "approximate", reason = "the caller's own phone makes the ringing tone", suggestion = 'ringback = "tone" of call:dial' },
  busylevel = { off = true, status = "approximate", reason = "a phone is busy when its call_limit is reached", suggestion = "call_limit of the sip.phone" },
  encryption = { off = true, reason = encrypted }, dtlsenable = { off = true, reason = web }, avpf = { off = true, reason = web },
  force_avp = { off = true, reason = web }, icesupport = { off = true, reason = web }, websocket_enabled = { off = true, reason = web },
  callgroup = { reason = pickup }, pickupgroup = { reason = pickup }, namedcallgroup = { reason = pickup }, namedpickupgroup = { reason = pickup },
  parkinglot = { reason = "this version of moonwire has no parked calls" },
  mohsuggest = { unless = "default", status = "approximate", reason = "classes of music are not there" },
  mohinterpret = { unless = "default passthrough", status = "approximate", reason = "classes of music are not there" },
  subscribecontext = { reason = subscriptions }, allowsubscribe = { off = true, status = "approximate", reason = subscriptions },
  subscribemwi = { off = true, reason = subscriptions }, vmexten = { status = "approximate", reason = "phones are not told which number their mailbox has" },
  acl = { reason = addresses, suggestion = "limit addresses in the firewall" },
  contactpermit = { reason = addresses, suggestion = "limit addresses in the firewall" },
  contactdeny = { reason = addresses, suggestion = "limit addresses in the firewall" },
  contactacl = { reason = addresses, suggestion = "limit addresses in the firewall" },
  md5secret = { reason = "a digest cannot be checked against what moonwire offers", suggestion = "write password = secret \"NAME\" and give the new password to the phone" },
  callingpres = { unless = "allowed allowed_not_screened", reason = "the number of this phone is shown", suggestion = 'call.caller.presentation = "withheld" in the dialplan' },
  regexten = { status = "approximate", reason = "registering adds no extension", suggestion = "write the extension" },
  regcontext = { status = "approximate", reason = "registering adds no extension", suggestion = "write the extension" },
  allowtransfer = { unless = "yes", status = "approximate", reason = "who may transfer is said for each call", suggestion = "transfer_context = false of call:dial" },
  domain = { reason = "one server serves all domains by which it is called" },
  stunaddr = { reason = "the server asks no STUN server", suggestion = "write its public address: sip.set { advertise = … }" },
  media_address = { status = "approximate", reason = "media has the address that SIP has", suggestion = "sip.set { advertise = … }" },
  outofcall_message_context = { reason = "text messages are not carried" },
  accept_outofcall_message = { off = true, reason = "text messages are not carried" },
  auth_message_requests = { off = true, reason = "text messages are not carried" },
  disallowed_methods = { status = "approximate", reason = "all methods that the server speaks are taken" },
  preferred_codec_only = { off = true, status = "approximate", reason = "further codecs may be agreed on" },
  cc_agent_policy = { unless = "never", reason = "calls are not completed later" },
  cc_monitor_policy = { unless = "never", reason = "calls are not completed later" },
  tonezone = { status = "approximate", reason = "tones are those of the site", suggestion = "country = \"…\" in scripts/asterisk/settings.lua" },
  timezone = { status = "approximate", reason = "times are those of the server" },
  send_diversion = { off = true, reason = "Diversion is not sent" },
  mwi = { reason = subscriptions },
}

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

-- Reports the settings of a section that mean nothing here.
local function report_rest(site, section, used, report)
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if told[name] then
      keys.judge(site, entry, section, told[name], report)
    elseif not used[name] and not plain[name] then
      report:unknown(entry, ("%s of [%s] has no counterpart"):format(keys.shown(entry), section.name),
        text.nearest(name, { "secret", "context", "callerid", "host", "mailbox", "username", "qualify", "language", "dtmfmode", "transport", "insecure", "fromuser" }))
    end
  end
end

local general_used = keys.words [[bindport port bindaddr udpbindaddr tcpenable tcpbindaddr tlsenable tlsbindaddr tlscertfile tlsprivatekey
  externip externaddr externhost localnet realm useragent context allowguest language dtmfmode qualify qualifyfreq
  defaultexpiry defaultexpirey maxexpiry maxexpirey minexpiry minexpirey register callerid trustrpid sendrpid]]

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
  report_rest(site, section, general_used, report)
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

local peer_used = keys.words [[secret context callerid host mailbox port fromuser fromdomain outboundproxy language dtmfmode qualify
  qualifyfreq trustrpid sendrpid call-limit transport defaultexpiry maxexpiry minexpiry cid_number callerid auth
  remotesecret
  callbackextension permit deny setvar register accountcode amaflags]]

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
  if s.callbackextension then f.user, f.register, f.register_as = f.user or section.name, true, s.callbackextension end
  if s.sendrpid and not f.trust_identity and not off[s.sendrpid:lower()] then
    report:approximate(s.at.sendrpid, ("%s of [%s]: callers are asserted only to who is believed too"):format(keys.shown(s.at.sendrpid), section.name),
      "trust_identity = true of the trunk does both")
  end
  model.add(site, "trunk", section.name, f, section, report)
end

-- Reports the rules of a section that say which addresses it may come from; the
-- last one that fits counts, so those before a permit for all say nothing.
local function addresses_of(section, report)
  local rules = {}
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    if name == "permit" and model.network(entry.value):find "^0%.0%.0%.0/0$" then
      rules = {}
    elseif name == "permit" or name == "deny" then
      rules[#rules + 1] = entry
    end
  end
  for _, entry in ipairs(rules) do
    report:unknown(entry, ("%s of [%s]: %s"):format(keys.shown(entry), section.name, addresses), "limit addresses in the firewall")
  end
end

-- One peer, user or friend.
function sip.peer(site, section, defaults, report)
  local s = settings_of(section, report)
  report_rest(site, section, peer_used, report)
  addresses_of(section, report)
  peers.add(site, section, "setvar", report)
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
  rest = (rest or entry.value):gsub("^[^?]*%?", "")
  local transport = rest:lower():match "^(%a+)://"
  rest = rest:gsub("^%a+://", "")
  local left, right = rest:match "^(.*)@([^@]*)$"
  if not left or left == "" then
    report:unknown(entry, "cannot read this register", "write register => user:password@host/extension")
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
  if transport and transport ~= "udp" then f.transport = f.transport or transport end
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
        report_rest(site, section, setmetatable({ vmsecret = true, email = true, pager = true }, { __index = peer_used }), report)
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
