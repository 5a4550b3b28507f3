-- pjsip.conf and pjsip_wizard.conf.
--
-- What chan_sip says in one section is divided here into objects that name each
-- other: an endpoint has auths and aors, a registration and an identify belong
-- to an endpoint.

local text = require "text"
local keys = require "config.keys"
local model = require "config.model"
local peers = require "config.peers"

local pjsip = {}

local truth = model.truth

-- Settings that moonwire does by itself or has no need of.
local plain = keys.words [[type endpoint aors auth outbound_auth disallow allow direct_media direct_media_method
  direct_media_glare_mitigation rtp_symmetric force_rport rewrite_contact use_ptime media_use_received_transport rtp_keepalive
  disable_direct_media_on_nat tos_audio cos_audio tos_video cos_video sdp_session sdp_owner timers timers_min_se timers_sess_expires
  100rel send_diversion send_connected_line sub_min_expiry connected_line_method max_initial_qualify_time remove_existing
  remove_unavailable support_path auth_type realm retry_interval max_retries forbidden_retry_interval fatal_retry_interval
  auth_rejection_permanent line endpoint_identifier_order user_agent tcp_keep_alive_interval tcp_keepalive_enable max_forwards
  keep_alive_interval debug allow_reload async_operations tos cos symmetric_transport timer_t1 timer_b threadpool_initial_size
  threadpool_auto_increment threadpool_idle_timeout threadpool_max_size method verify_client verify_server ca_list_file ca_list_path
  require_client_cert qualify_timeout authenticate_qualify trust_id_outbound send_rpid identify_by rtp_engine mwi_from_user
  bind_rtp_to_media_address accepts_auth accepts_registrations sends_auth sends_registrations has_phoneprov has_hint
  server_uri_pattern client_uri_pattern contact_pattern outbound_proxy_pattern user_name refresh_interval support_outbound
  max_audio_streams max_video_streams rtcp_mux bundle srtp_tag_32 force_avp refer_blind_progress suppress_q850_reason_headers
  notify_early_inuse_ringing incoming_mwi_mailbox aggregate_mwi mwi_subscribe_replaces_unsolicited send_history_info
  follow_early_media_fork accept_multiple_sdp_answers dtls_verify dtls_rekey dtls_cert_file dtls_private_key dtls_cipher dtls_ca_file
  dtls_ca_path dtls_setup dtls_fingerprint dtls_auto_generate_cert media_encryption_optimistic cipher default_realm
  default_voicemail_extension regcontext_disable unidentified_request_count unidentified_request_period
  unidentified_request_prune_interval contact_expiration_check_interval disable_multi_domain ignore_uri_user_options
  use_callerid_contact send_contact_status_on_update_registration srv_lookups asymmetric_rtp_codec moh_passthrough
  codec_prefs_incoming_offer codec_prefs_outgoing_offer codec_prefs_incoming_answer codec_prefs_outgoing_answer
  set_var accountcode geoloc_incoming_call_profile geoloc_outgoing_call_profile callerid_tag from_user_pattern
  default_from_user mwi_tps_queue_high mwi_tps_queue_low mwi_disable_initial_unsolicited default_outbound_endpoint
  compact_headers timer_c disable_tcp_switch disable_rport follow_redirect qualify_2xx_only remote_hosts]]

local pickup = "this version of moonwire cannot pick up a call that rings elsewhere"
local addresses = "phones are taken from any address that knows the password"
local subscriptions = "phones cannot subscribe to the state of others"
local web = "browsers do not call this version of moonwire"
local silent = "a call whose media stops goes on"

-- Settings that have no counterpart; see keys.lua.
local told = {
  media_encryption = { off = true, reason = "media is not encrypted" }, webrtc = { off = true, reason = web }, use_avpf = { off = true, reason = web },
  ice_support = { off = true, reason = "ICE is not spoken" },
  rtp_timeout = { off = true, status = "approximate", reason = silent, suggestion = "session timers end calls whose other end is gone" },
  rtp_timeout_hold = { off = true, status = "approximate", reason = silent, suggestion = "session timers end calls whose other end is gone" },
  t38_udptl = { off = true, reason = "T.38 is not spoken", suggestion = "fax goes over ulaw or alaw" },
  fax_detect = { off = true, reason = "fax tones are not looked for" },
  call_group = { reason = pickup }, pickup_group = { reason = pickup }, named_call_group = { reason = pickup }, named_pickup_group = { reason = pickup },
  moh_suggest = { unless = "default", status = "approximate", reason = "classes of music are not there" },
  inband_progress = { off = true, status = "approximate", reason = "the caller's own phone makes the ringing tone", suggestion = 'ringback = "tone" of call:dial' },
  device_state_busy_at = { off = true, status = "approximate", reason = "a phone is busy when its call_limit is reached", suggestion = "call_limit of the sip.phone" },
  allow_subscribe = { off = true, status = "approximate", reason = subscriptions }, subscribe_context = { reason = subscriptions },
  voicemail_extension = { status = "approximate", reason = "phones are not told which number their mailbox has" },
  contact_acl = { reason = addresses, suggestion = "limit addresses in the firewall" }, acl = { reason = addresses, suggestion = "limit addresses in the firewall" },
  permit = { reason = addresses, suggestion = "limit addresses in the firewall" }, deny = { reason = addresses, suggestion = "limit addresses in the firewall" },
  contact_permit = { reason = addresses, suggestion = "limit addresses in the firewall" }, contact_deny = { reason = addresses, suggestion = "limit addresses in the firewall" },
  callerid_privacy = { unless = "allowed allowed_not_screened", reason = "the number of this phone is shown", suggestion = 'call.caller.presentation = "withheld" in the dialplan' },
  allow_transfer = { unless = "yes", status = "approximate", reason = "who may transfer is said for each call", suggestion = "transfer_context = false of call:dial" },
  tone_zone = { status = "approximate", reason = "tones are those of the site", suggestion = 'country = "…" in scripts/asterisk/settings.lua' },
  user_eq_phone = { off = true, status = "approximate", reason = "user=phone is not added to addresses" },
  message_context = { reason = "text messages are not carried" },
  preferred_codec_only = { off = true, status = "approximate", reason = "further codecs may be agreed on" },
  redirect_method = { unless = "user", reason = "a 302 does not lead to addresses elsewhere" },
  media_address = { status = "approximate", reason = "media has the address that SIP has", suggestion = "sip.set { advertise = … }" },
  md5_cred = { reason = "a digest cannot be checked against what moonwire offers", suggestion = 'write password = secret "NAME" and give the new password to the phone' },
  stir_shaken = { off = true, reason = "callers are not attested" },
}

local used = keys.words [[context callerid from_user from_domain outbound_proxy language dtmf_mode mailboxes trust_id_inbound send_pai
  transport username password contact max_contacts qualify_frequency maximum_expiration minimum_expiration
  server_uri client_uri contact_user expiration match bind protocol external_media_address external_signaling_address
  local_net cert_file priv_key_file remote_hosts default_expiration]]

local function object(section, report)
  local o = { name = section.name, at = section, entries = {}, matches = {}, local_nets = {}, contacts = {} }
  for _, entry in ipairs(section.entries) do
    local name = entry.name:lower()
    o.entries[name] = entry
    if name == "allow" or name == "disallow" then
      o.codecs = model.codecs(o.codecs, entry, report)
    elseif name == "match" then
      for part in entry.value:gmatch "[^,%s]+" do o.matches[#o.matches + 1] = part end
    elseif name == "local_net" then
      o.local_nets[#o.local_nets + 1] = model.network(entry.value)
    elseif name == "contact" then
      o.contacts[#o.contacts + 1] = entry
    else
      o[name] = entry.value
    end
    if told[name] then
      keys.judge(nil, entry, section, told[name], report)
    elseif not used[name] and not plain[name] then
      report:unknown(entry, ("%s of [%s] has no counterpart"):format(keys.shown(entry), section.name))
    end
  end
  return o
end

-- sip:user@host:port;parameters
local function uri(s)
  local rest = s:gsub("^%s*<?sips?:", ""):gsub("[;>?].*$", "")
  local user, host = rest:match "^(.-)@(.*)$"
  host = (host or rest):gsub(":5060$", "")
  return host, user
end

local function transport(site, o, report)
  local protocol = (o.protocol or "udp"):lower()
  if protocol ~= "udp" and protocol ~= "tcp" and protocol ~= "tls" then
    report:unknown(o.at, ("transport %s has no counterpart"):format(protocol))
    return
  end
  local bind = o.bind or "0.0.0.0"
  if bind == "::" then bind = "[::]" end
  if not bind:find ":%d+$" then bind = bind .. (protocol == "tls" and ":5061" or ":5060") end
  site.listen[#site.listen + 1] = { value = protocol .. ":" .. bind, at = o.at }
  local set = site.set
  set.advertise = set.advertise or o.external_signaling_address or o.external_media_address
  if #o.local_nets > 0 then set.local_nets = set.local_nets or o.local_nets end
  set.certificate, set.key = set.certificate or o.cert_file, set.key or o.priv_key_file
end

local function common(o, aor, report)
  local f = { context = o.context or "default", language = o.language }
  if o.codecs and #o.codecs > 0 then f.codecs = o.codecs end
  if o.dtmf_mode then f.dtmf = model.dtmf(o.entries.dtmf_mode, report) end
  local every = aor and tonumber(aor.qualify_frequency or "")
  if every and every > 0 then f.qualify = every end
  return f
end

local function phone(site, o, aor, auth, report)
  local f = common(o, aor, report)
  f.password = auth and auth.password
  f.contacts = tonumber(aor.max_contacts or "")
  f.max_expires, f.min_expires = tonumber(aor.maximum_expiration or ""), tonumber(aor.minimum_expiration or "")
  if o.callerid then f.caller_id = model.caller_id(o.callerid) end
  f.mailbox = o.mailboxes and o.mailboxes:match "^[^,]+"
  if not f.password then
    report:approximate(o.at, ("[%s] has no password: anybody could register"):format(o.name),
      "moonwire makes a password; give it to the phone")
  end
  if auth and auth.username and auth.username ~= o.name then
    report:approximate(auth.at, ("[%s] proves itself as %s; a phone here does so under its own name"):format(o.name, auth.username),
      ("set the phone's user name to %s"):format(o.name))
  end
  model.add(site, "phone", o.name, f, o.at, report)
end

local function trunk(site, o, aor, auth, host, user, report)
  local f = common(o, aor, report)
  f.host, f.user, f.password = host, auth and auth.username or user, auth and auth.password
  f.from_user, f.from_domain = o.from_user, o.from_domain
  f.outbound_proxy = o.outbound_proxy and uri(o.outbound_proxy)
  if truth(o.trust_id_inbound or "no") then f.trust_identity = true end
  if o.auth then f.auth = true end
  return model.add(site, "trunk", o.name, f, o.at, report)
end

local function endpoint(site, o, objects, report)
  local aor = objects.aor[(o.aors or ""):match "^[^,%s]*"] or { contacts = {} }
  local outbound = objects.auth[(o.outbound_auth or ""):match "^[^,%s]*"]
  local inbound = objects.auth[(o.auth or ""):match "^[^,%s]*"]
  local contact = aor.contacts[1]
  if #aor.contacts > 1 then
    report:approximate(aor.contacts[2], ("only the first contact of [%s] is called"):format(o.name), "make a trunk for each")
  end
  if contact then
    local host, user = uri(contact.value)
    trunk(site, o, aor, outbound or inbound, host, user, report)
  elseif o.aors then
    phone(site, o, aor, inbound, report)
  else
    o.pending = { auth = outbound or inbound } -- a registration or an identify says where it is
  end
end

local function registration(site, o, objects, report)
  local host = o.server_uri and uri(o.server_uri)
  if not host then
    report:unknown(o.at, ("registration [%s] has no server_uri"):format(o.name), "write server_uri=sip:host")
    return
  end
  local _, user = uri(o.client_uri or "")
  local auth = objects.auth[o.outbound_auth or ""]
  local found
  for _, one in ipairs(site.trunks) do
    if one.name == (o.endpoint or o.name) or one.fields.host == host then found = found or one end
  end
  if not found then
    local owner = objects.endpoint[o.endpoint or o.name] or o
    found = trunk(site, owner, nil, auth, host, user, report)
    if not found then return end
  end
  local f = found.fields
  f.user, f.password = f.user or auth and auth.username or user, f.password or auth and auth.password
  f.register, f.register_as, f.expires = true, o.contact_user, tonumber(o.expiration or "")
end

local function identify(site, o, report)
  local found = site.by_name[o.endpoint or o.name]
  if not found or not found.fields.host then
    report:approximate(o.at, ("identify [%s] belongs to no trunk"):format(o.name), "give its endpoint an aor with a contact")
    return
  end
  for _, match in ipairs(o.matches) do
    if match:find "^[%d.]+/?%d*$" or match:find ":" then
      found.fields.match = found.fields.match or {}
      table.insert(found.fields.match, model.network(match))
    elseif match ~= found.fields.host then
      report:approximate(o.entries.match, ("match=%s is a name; addresses and networks can be written"):format(match))
    end
  end
end

-- All of pjsip.conf.
function pjsip.read(site, list, report)
  local objects = { endpoint = {}, auth = {}, aor = {}, registration = {}, identify = {}, transport = {} }
  local order = {}
  for _, section in ipairs(list) do
    if not section.template then
      local o = object(section, report)
      local kind = o.type and o.type:lower()
      if kind == "endpoint" then peers.add(site, section, "set_var", report) end
      if kind == "global" or kind == "system" then
        if o.entries.user_agent then site.set.user_agent = o.entries.user_agent.value end
      elseif kind and objects[kind] then
        objects[kind][section.name] = o
        order[#order + 1] = { kind, o }
      else
        report:unknown(section, kind and ("an object of type %s has no counterpart"):format(kind)
          or ("[%s] has no type"):format(section.name))
      end
    end
  end
  local steps = {
    { "transport", function(o) transport(site, o, report) end },
    { "endpoint", function(o) endpoint(site, o, objects, report) end },
    { "registration", function(o) registration(site, o, objects, report) end },
    { "identify", function(o) identify(site, o, report) end },
  }
  for _, step in ipairs(steps) do
    for _, one in ipairs(order) do
      if one[1] == step[1] then step[2](one[2]) end
    end
  end
  for name, o in pairs(objects.endpoint) do
    if o.pending and not site.by_name[name] then
      report:unknown(o.at, ("endpoint [%s] cannot be reached: it has no aors"):format(name), "write aors=" .. name)
    end
  end
end

-- pjsip_wizard.conf: one section a phone or trunk, whose settings name the object
-- that they belong to.
function pjsip.wizard(site, list, report)
  for _, section in ipairs(list) do
    if not section.template then
      local parts = { endpoint = {}, aor = {}, inbound_auth = {}, outbound_auth = {}, registration = {}, identify = {} }
      local own = {}
      for _, entry in ipairs(section.entries) do
        local part, name = entry.name:lower():match "^([%w_]+)/([%w_]+)$"
        if part and parts[part] then
          parts[part][#parts[part] + 1] = setmetatable({ name = name }, { __index = entry })
        elseif part then
          report:unknown(entry, ("%s of [%s] has no counterpart"):format(entry.name, section.name))
        else
          own[entry.name:lower()] = entry.value
        end
      end
      local function made(part)
        return object({ name = section.name, entries = parts[part], file = section.file, line = section.line,
          above = part == "endpoint" and section.above or nil }, report)
      end
      local o, aor = made "endpoint", made "aor"
      local inbound, outbound = made "inbound_auth", made "outbound_auth"
      local host = own.remote_hosts and text.trim(text.split(own.remote_hosts, ",")[1]):gsub(":5060$", "")
      if host then
        local one = trunk(site, o, aor, outbound.username and outbound or nil, host, nil, report)
        if one and truth(own.sends_registrations or "no") then
          one.fields.register = true
          one.fields.user = one.fields.user or section.name
        end
      else
        phone(site, o, aor, inbound.password and inbound or nil, report)
      end
    end
  end
end

return pjsip
