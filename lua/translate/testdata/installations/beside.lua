-- Who may call, and how: from the configuration of Asterisk.

local asterisk = require "asterisk"

asterisk.start()

-- Named here, and empty: the dialplan has no such contexts.
context "nobody"

sip.listen { "udp:192.0.2.10:5060", "tcp:192.0.2.10:5060" }

limits {
  calls = 40,
}

sip.trunk "gateway" { -- sip.conf:41
  host = "192.0.2.20:5070",
  user = "gateway",
  register = true,
  register_as = "700",
  context = "from-gateway",
  qualify = 60,
}

sip.trunk "sip.example.org" { -- sip.conf:6
  host = "sip.example.org",
  transport = "tls",
  user = "acme",
  password = "s3cret-trunk",
  register = true,
  register_as = "600",
  expires = 900,
  context = "nobody",
}

sip.phone "101" { -- sip.conf:27
  password = "s3cret-101",
  context = "internal",
  caller_id = '"Ann" <101>',
  mailbox = "101@default",
  qualify = 60,
  call_limit = 2,
  dtmf = "info",
}

sip.phone "102" { -- sip.conf:33
  password = secret "102",
  context = "internal",
  mailbox = "101@default",
  qualify = 60,
  call_limit = 2,
  dtmf = "info",
}

mailbox "101@default" { -- voicemail.conf:6
  pin = "4711",
  name = "Ann",
  email = "ann@example.org",
  maxsecs = 180,
  attach = true,
}

-- sip.trunk "branch" { -- iax.conf:5
--   host = "branch.example.org",
--   user = "head",
--   password = "s3cret-branch",
--   context = "internal",
-- }

-- sip.phone "301" { -- iax.conf:14
--   password = "s3cret-301",
--   context = "internal",
-- }
==== peers
-- What the calls of phones and trunks begin with: from setvar, accountcode and amaflags.

return {
  ["101"] = { -- sip.conf:27
    accountcode = "sales",
    variables = {
      { "__DEPARTMENT", "sales" },
      { "CDR(userfield)", "office" },
    },
  },
  ["102"] = { -- sip.conf:33
    accountcode = "sales",
    variables = {
      { "__DEPARTMENT", "sales" },
      { "CDR(userfield)", "office" },
    },
  },
}
==== settings
-- Settings and global variables, from [general] and [globals] of extensions.conf.

return {
  era = 20,
  autofallthrough = false,
  priorityjumping = false,
  clearglobalvars = false,
  country = "fr",
  system = "head-office",
}
==== report
extensions.conf:5: unknown: Queue: needs queues, which this server does not have; translate again when it does, or take it out
sip.conf:6: note: there is no context [nobody] for [sip.example.org]
sip.conf:6: note: passwords stand in config.lua as they were; let nobody else read it, or write env "NAME" in their place
sip.conf:7: unknown: videosupport=yes of [general]: video is not carried
sip.conf:8: approximate: rtptimeout=60 of [general]: a call whose media stops goes on; session timers end calls whose other end is gone
sip.conf:9: unknown: subscribecontext=internal of [general]: phones cannot subscribe to the state of others
sip.conf:22: unknown: callgroup=1 of [101]: this version of moonwire cannot pick up a call that rings elsewhere
sip.conf:22: unknown: callgroup=1 of [102]: this version of moonwire cannot pick up a call that rings elsewhere
sip.conf:23: unknown: pickupgroup=1 of [101]: this version of moonwire cannot pick up a call that rings elsewhere
sip.conf:23: unknown: pickupgroup=1 of [102]: this version of moonwire cannot pick up a call that rings elsewhere
sip.conf:30: unknown: encryption=yes of [101]: media is not encrypted
sip.conf:33: approximate: [102] has no secret: anybody could register; moonwire makes a password; give it to the phone
sip.conf:34: unknown: md5secret of [102]: a digest cannot be checked against what moonwire offers; write password = secret "NAME" and give the new password to the phone
sip.conf:35: unknown: deny=0.0.0.0/0 of [102]: phones are taken from any address that knows the password; limit addresses in the firewall
sip.conf:36: unknown: permit=192.168.1.0/255.255.255.0 of [102]: phones are taken from any address that knows the password; limit addresses in the firewall
sip.conf:38: approximate: mohinterpret=jazz of [102]: classes of music are not there
sip.conf:39: unknown: trasnport=udp of [102] has no counterpart; transport
sip.conf:47: approximate: sendrpid=pai of [gateway]: callers are asserted only to who is believed too; trust_identity = true of the trunk does both
sip.conf:50: approximate: codec alaw&ulaw is not there; calls use the other codecs of the list
voicemail.conf:2: approximate: format=wav49|gsm|wav of voicemail has no counterpart; mailboxes work in moonwire's own way
voicemail.conf:3: approximate: serveremail=asterisk of voicemail has no counterpart; mailboxes work in moonwire's own way
voicemail.conf:6: approximate: tz=central of a mailbox has no counterpart
iax.conf:3: unknown: register of IAX2: IAX2 is not spoken by this version of moonwire; ask the provider for an account of SIP: sip.trunk with register = true
iax.conf:4: unknown: mystery=1: IAX2 is not spoken by this version of moonwire
iax.conf:5: unknown: [branch]: IAX2 is not spoken by this version of moonwire; a declaration for SIP stands in config.lua as a comment
iax.conf:13: unknown: inkeys=branch of [branch]: IAX2 is not spoken by this version of moonwire
iax.conf:14: unknown: [301]: IAX2 is not spoken by this version of moonwire; a declaration for SIP stands in config.lua as a comment
musiconhold.conf:1: approximate: [default]: classes of music are not there; who waits hears a sound of the site, or what the phone plays; convert its files to sounds/, and name one in the dialplan: MusicOnHold and call:play take sounds
musiconhold.conf:3: approximate: directory=moh of [default]: the folder is not read; convert its files to sounds/, and name one in the dialplan: MusicOnHold and call:play take sounds
musiconhold.conf:4: approximate: random=yes of [default]: there is one sound, and so no order
musiconhold.conf:5: approximate: [stream]: classes of music are not there; who waits hears a sound of the site, or what the phone plays; convert its files to sounds/, and name one in the dialplan: MusicOnHold and call:play take sounds
musiconhold.conf:7: unknown: application=/usr/bin/mpg123 -s http://radio.example.org/ of [stream]: music does not come from programs; record what it plays to a file of sounds/
features.conf:2: unknown: parkext=700 of [general]: this version of moonwire has no parked calls
features.conf:3: unknown: pickupexten=*8 of [general]: this version of moonwire cannot pick up a call that rings elsewhere
features.conf:6: unknown: blindxfer=#1 of [featuremap]: the server transfers on no key; phones transfer with their own key; or say what a key does with on_digit of call:dial
features.conf:8: unknown: atxfer=*2 of [featuremap]: the server transfers on no key; phones transfer with their own key; or say what a key does with on_digit of call:dial
features.conf:10: unknown: record=*3,caller,Monitor,wav of [applicationmap]: keys that run an application are not there; on_digit of call:dial runs a function for each key
queues.conf:3: unknown: [sales]: this version of moonwire has no queues; ring its members: call:dial { "sip/1001", "sip/1002", timeout = 15, hunt = true }
queues.conf:4: unknown: strategy=rrmemory of [sales]: this version of moonwire has no queues; call:dial rings all at once, or with hunt = true one after the other
queues.conf:5: unknown: timeout=15 of [sales]: this version of moonwire has no queues; the timeout of call:dial
queues.conf:6: unknown: member=SIP/101 of [sales]: this version of moonwire has no queues; name it as a target of call:dial
queues.conf:7: unknown: member=SIP/102 of [sales]: this version of moonwire has no queues; name it as a target of call:dial
queues.conf:9: unknown: wrapuptime=5 of [sales]: this version of moonwire has no queues
confbridge.conf:2: unknown: [admin_user]: this version of moonwire has no conferences
confbridge.conf:4: unknown: pin of [admin_user]: this version of moonwire has no conferences; call:read { prompt = "conf-getpin" } before the room
confbridge.conf:5: unknown: marked=yes of [admin_user]: this version of moonwire has no conferences
meetme.conf:4: unknown: conf of [rooms]: this version of moonwire has no conferences; its number and its PIN can be asked for with call:read
followme.conf:2: unknown: [ann]: this version of moonwire has no follow-me; call:dial { "sip/1001", "sip/0612345678@provider", hunt = true, on_answer = … } does it
followme.conf:3: unknown: number=101&0612345678,20 of [ann]: this version of moonwire has no follow-me; name it as a target of call:dial with hunt = true
manager.conf:2: unknown: enabled=yes of [general]: programs do not speak AMI with this version of moonwire; the server's HTTP side lists calls and figures; scripts reach other programs with http.post_async
manager.conf:5: unknown: [crm]: programs do not speak AMI with this version of moonwire; the server's HTTP side lists calls and figures; scripts reach other programs with http.post_async
manager.conf:6: unknown: secret of [crm]: accounts of AMI are not there
chan_dahdi.conf:3: unknown: signalling=fxs_ks of [channels]: this version of moonwire has no telephone cards; put a gateway in front, which speaks SIP, and declare it: sip.trunk
chan_dahdi.conf:4: unknown: context=from-gateway of [channels]: no channels of cards call; give this context to the sip.trunk of the gateway
chan_dahdi.conf:5: unknown: group=0 of [channels]: no channels of cards to choose from; dial "sip/NUMBER@gateway" in place of DAHDI/g
chan_dahdi.conf:6: unknown: channel=1-2 of [channels]: this version of moonwire has no telephone cards; put a gateway in front, which speaks SIP, and declare it: sip.trunk
asterisk.conf:7: unknown: defaultlanguage=fr of [options]: phones say which language they have; language = "…" of each sip.phone and sip.trunk
asterisk.conf:9: approximate: app_set=1.4 of [compat]: this part of the dialplan is of Asterisk 1.4; translate with --era 1.4 if Set with several values matters
logger.conf:3: note: console=notice,warning,error of [logfiles]: the log goes to standard error, and its level is that of moonwire serve --log-level; the service manager keeps the log: journalctl -u moonwire
logger.conf:4: note: messages=notice,warning,error of [logfiles]: the log goes to standard error, and its level is that of moonwire serve --log-level; the service manager keeps the log: journalctl -u moonwire
modules.conf:5: note: load=chan_dongle.so of [modules]: what it does is there or reported where it is used
cdr.conf:2: approximate: enable=yes of [general]: records of calls are not in Asterisk's form; on("call.ended", function(record) … end) is given the record of each call
cdr.conf:7: unknown: radiuscfg=/etc/radiusclient.conf of [radius]: records of calls are not written there; on("call.ended", function(record) … end) is given the record of each call
res_odbc.conf:2: unknown: enabled=yes of [crm]: the server connects to no databases; databases of other makers are reached by HTTP: http.get and http.post
res_odbc.conf:3: unknown: dsn=crm of [crm]: the server connects to no databases; databases of other makers are reached by HTTP: http.get and http.post
res_odbc.conf:4: unknown: username=asterisk of [crm]: the server connects to no databases; databases of other makers are reached by HTTP: http.get and http.post
res_odbc.conf:5: unknown: password of [crm]: the server connects to no databases; databases of other makers are reached by HTTP: http.get and http.post
func_odbc.conf:1: unknown: function ODBC_ROUTE asks a database that is not there; where a dialplan uses it, scripts/shims/function_odbc_route.lua is its place; databases of other makers are reached by HTTP: http.get and http.post
func_odbc.conf:4: unknown: function CRM_ACCOUNT asks a database that is not there; where a dialplan uses it, scripts/shims/function_crm_account.lua is its place; databases of other makers are reached by HTTP: http.get and http.post
phoneprov.conf:1: unknown: [general]: this version of moonwire does not read the configuration of provisioning
178 lines: 99 exact, 14 approximate, 65 unknown; coverage 55.6 %
of these 3 with a priority: 2 exact; coverage 66.7 %
