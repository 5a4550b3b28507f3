-- What the names of a dialplan stand for, and which of them work here.
--
-- The names are those that Asterisk 1.0 to 23 had. What is supported is said by
-- the runtime itself (require "asterisk"); the lists below add the rest of the
-- names, so that a misprint can be told from something that exists and is missing.

local text = require "text"

local catalog = { applications = {}, functions = {}, application_names = {}, function_names = {} }

local function add(names, list, status, words, reason, suggestion)
  for name in words:gmatch "%S+" do
    names[name:lower()] = { name = name, status = status, reason = reason, suggestion = suggestion }
    list[#list + 1] = name
  end
end

local function application(status, words, reason, suggestion)
  add(catalog.applications, catalog.application_names, status, words, reason, suggestion)
end

local function func(status, words, reason, suggestion)
  add(catalog.functions, catalog.function_names, status, words, reason, suggestion)
end

application("exact", [[
  Answer Hangup Goto GotoIf GotoIfTime Gosub GosubIf Return StackPop Macro MacroExit MacroIf MacroExclusive
  While EndWhile ExitWhile ContinueWhile If ElseIf Else EndIf ExitIf Exec TryExec ExecIf ExecIfTime
  NoOp Verbose Log DumpChan Set MSet ImportVar ClearHash Wait WaitExten WaitDigit WaitUntil WaitForSilence WaitForNoise
  Background BackGround Playback ControlPlayback Read ReadExten Record Echo Milliwatt
  SayDigits SayNumber SayAlpha SayAlphaCase SayPhonetic SayUnixTime SayCountPL DateTime
  PlayTones StopPlayTones Ringing Progress Proceeding Busy Congestion Zapateller
  Dial RetryDial Transfer ChannelRedirect SoftHangup ChanIsAvail Originate SendDTMF SendText
  MusicOnHold StartMusicOnHold StopMusicOnHold Authenticate PrivacyManager
  VoiceMail VoiceMailMain VMAuthenticate
  DBdeltree System TrySystem AGI EAGI DeadAGI ResetCDR NoCDR ForkCDR CELGenUserEvent UserEvent
  SIPAddHeader SIPRemoveHeader RaiseException Incomplete SetAMAFlags
  MixMonitor StopMixMonitor Monitor StopMonitor PauseMonitor UnpauseMonitor ChangeMonitor DISA Directory Flash]])

local later = {
  ["queues"] = [[Queue AddQueueMember RemoveQueueMember PauseQueueMember UnpauseQueueMember QueueLog QueueUpdate
    AgentLogin AgentRequest AgentCallbackLogin AgentMonitorOutgoing]],
  ["conferences"] = [[ConfBridge ConfKick MeetMe MeetMeAdmin MeetMeChannelAdmin MeetMeCount SLAStation SLATrunk]],
  ["parked calls"] = [[Park ParkAndAnnounce ParkedCall]],
  ["paging"] = [[Page]],
  ["listening in on calls"] = [[ChanSpy ExtenSpy ZapBarge ZapScan DAHDIBarge DAHDIScan]],
  ["picking up calls"] = [[Pickup PickupChan]],
  ["fax"] = [[SendFAX ReceiveFAX SendFax ReceiveFax RxFAX TxFAX NVFaxDetect FaxDetect]],
  ["mailbox greetings by name and mailbox tools"] = [[VMSayName VoiceMailPlayMsg MinivmRecord MinivmGreet MinivmNotify
    MinivmDelete MinivmAccMess MinivmMWI VoiceMailMainOld]],
  ["external media"] = [[Stasis AudioSocket ExternalIVR JACK NBScat ICES MP3Player Festival Dictate TestClient TestServer
    SpeechCreate SpeechActivateGrammar SpeechBackground SpeechDeactivateGrammar SpeechDestroy SpeechLoadGrammar
    SpeechProcessingSound SpeechStart SpeechUnloadGrammar]],
  ["text messages"] = [[MessageSend JabberSend JabberStatus SMS SendImage SendURL ReceiveText]],
  ["presence and call completion"] = [[CallCompletionRequest CallCompletionCancel FollowMe BridgeWait BridgeAdd Bridge
    AMD BackgroundDetect]],
  ["databases of other makers"] = [[MYSQL RealTime RealTimeUpdate ODBC_Commit ODBC_Rollback]],
  ["hardware of this kind"] = [[DAHDIRAS DAHDISendCallreroutingFacility DAHDISendKeypadFacility ZapRAS AlarmReceiver
    ADSIProg GetCPEID SendPRIFacility osplookup OSPAuth OSPLookup OSPNext OSPFinish OSPDisconnect Rpt]],
  ["this in a site; use moonwire's own"] = [[ReadFile Reload StartStasis DumpCore SLA PrivacyOptions Morsecode Wait4Silence
    SetCallerPres TransferCapability MuteAudio StorePeer]],
}
for what, words in pairs(later) do
  application("later", words, "this version of moonwire has no " .. what, "translate again when it does, or take the step out")
end

-- Gone from Asterisk long ago: only dialplans of that time call them.
local gone = {
  SetVar = "Set(NAME=value)", SetGlobalVar = "Set(GLOBAL(NAME)=value)", SetCIDNum = "Set(CALLERID(num)=…)",
  SetCIDName = "Set(CALLERID(name)=…)", SetCallerID = "Set(CALLERID(all)=…)", SetRDNIS = "Set(CALLERID(rdnis)=…)",
  DBdel = "${DB_DELETE(family/key)}", DBGet = "Set(NAME=${DB(family/key)})", DBPut = "Set(DB(family/key)=value)",
  DigitTimeout = "Set(TIMEOUT(digit)=…)", ResponseTimeout = "Set(TIMEOUT(response)=…)",
  AbsoluteTimeout = "Set(TIMEOUT(absolute)=…)", SetLanguage = "Set(CHANNEL(language)=…)", Cut = "Set(NAME=${CUT(…)})",
  Sort = "Set(NAME=${SORT(…)})", GetGroupCount = "${GROUP_COUNT()}", GetGroupMatchCount = "${GROUP_MATCH_COUNT()}",
  SetGroup = "Set(GROUP()=…)", CheckGroup = "GotoIf with ${GROUP_COUNT()}", LookupCIDName = "Set(CALLERID(name)=${DB(cidname/${CALLERID(num)})})",
  LookupBlacklist = "GotoIf(${BLACKLIST()}?…)", HasVoicemail = "${VM_INFO(box,count)}", HasNewVoicemail = "${VM_INFO(box,count)}",
  MailboxExists = "${VM_INFO(box,exists)}", Random = "GotoIf($[${RAND(1,100)} > …]?…)", SetMusicOnHold = "Set(CHANNEL(musicclass)=…)",
  WaitMusicOnHold = "MusicOnHold(class,seconds)", SetAccount = "Set(CHANNEL(accountcode)=…)",
  SetCDRUserField = "Set(CDR(userfield)=…)", AppendCDRUserField = "Set(CDR(userfield)=…)", Eval = "Set(NAME=${EVAL(…)})",
  MD5 = "${MD5(…)}", MD5Check = "GotoIf", Math = "$[…]", StripMSD = "${EXTEN:1}", StripLSD = "${EXTEN:0:-1}",
  Prefix = "Goto with a longer number", Suffix = "Goto with a longer number", SubString = "${NAME:1:2}",
  BackgroundFax = "Background", DTMFToText = "Read", ImportVar = nil,
}
for name, instead in pairs(gone) do
  if not catalog.applications[name:lower()] then
    application("gone", name, "Asterisk removed this application, and a call that comes here ends", "use " .. instead)
  end
end

func("exact", [[
  CALLERID DB DB_EXISTS DB_DELETE DB_KEYS DB_KEYCOUNT CUT IF IFTIME STRFTIME STRPTIME CHANNEL CHANNELS LEN TIMEOUT HASH
  HASHKEYS GLOBAL EXISTS ISNULL CDR LOCAL LOCAL_PEEK GROUP GROUP_COUNT GROUP_MATCH_COUNT GROUP_LIST FILTER FIELDQTY FIELDNUM
  SET ARRAY REGEX RAND STRREPLACE REPLACE TOLOWER TOUPPER MATH INC DEC SPRINTF EVAL EVAL_EXTEN QUOTE CSV_QUOTE SHIFT POP
  PUSH UNSHIFT LISTFILTER SORT MD5 SHA1 SHELL ENV STAT FILE FILE_COUNT_LINE FILE_FORMAT CURL CURLOPT BASE64_ENCODE
  BASE64_DECODE URIENCODE URIDECODE SHARED STACK_PEEK DIALPLAN_EXISTS VALID_EXTEN DEVICE_STATE EXTENSION_STATE HINT
  CONNECTEDLINE REDIRECTING DIALGROUP PJSIP_HEADER SIP_HEADER SIPPEER PJSIP_DIAL_CONTACTS PJSIP_AOR PJSIP_CONTACT
  PJSIP_ENDPOINT VM_INFO MAILBOX_EXISTS VMCOUNT BLACKLIST LANGUAGE MUSICCLASS CALLERPRES HANGUPCAUSE HANGUPCAUSE_KEYS
  MASTER_CHANNEL IMPORT PASSTHRU KEYPADHASH UUID VERSION IFMODULE JSON_DECODE CDR_PROP EXCEPTION ASTMAN PP_EACH_EXTENSION
  PP_EACH_USER STRBETWEEN TRIM LTRIM RTRIM ROUND FLOOR CEIL ABS MIN MAX BIT AMA_FLAGS AST_CONFIG]])
func("later", [[
  CONFBRIDGE CONFBRIDGE_INFO CONFBRIDGE_CHANNELS MEETME_INFO QUEUE_VARIABLES QUEUE_MEMBER QUEUE_MEMBER_COUNT QUEUE_MEMBER_LIST
  QUEUE_MEMBER_PENALTY QUEUE_WAITING_COUNT QUEUE_EXISTS QUEUE_GET_CHANNEL AGENT FAXOPT MESSAGE MESSAGE_DATA SPEECH SPEECH_ENGINE
  SPEECH_GRAMMAR SPEECH_RESULTS_TYPE SPEECH_SCORE SPEECH_TEXT JITTERBUFFER VOLUME AGC DENOISE PITCH_SHIFT AUDIOHOOK_INHERIT
  IAXVAR IAXPEER ENUMLOOKUP ENUMQUERY ENUMRESULT TXTCIDNAME SRVQUERY SRVRESULT CALLCOMPLETION CALENDAR_BUSY CALENDAR_EVENT
  CALENDAR_QUERY CALENDAR_QUERY_RESULT CALENDAR_WRITE PRESENCE_STATE JABBER_RECEIVE JABBER_STATUS ODBC REALTIME
  REALTIME_FIELD REALTIME_HASH REALTIME_STORE REALTIME_DESTROY AES_ENCRYPT AES_DECRYPT SYSINFO LOCK TRYLOCK UNLOCK
  FRAME_TRACE PERIODIC_HOOK TALK_DETECT HOLD_INTERCEPT SCRAMBLE SMDI_MSG SMDI_MSG_RETRIEVE SIPCHANINFO CHECKSIPDOMAIN
  PJSIP_MEDIA_OFFER PJSIP_SEND_SESSION_REFRESH PJSIP_DTMF_MODE PJSIP_MOH_PASSTHROUGH PJSIP_PARSE_URI PJSIP_PARSE_URI_FROM
  PJSIP_HEADERS PJSIP_HEADER_PARAM PJSIP_RESPONSE_HEADER PJSIP_TRANSFER_HANDLING TRANSFER_DATA MINIVMACCOUNT MINIVMCOUNTER
  FEATURE FEATUREMAP PARKINGSLOT PARK_GET_CHANNEL TESTTIME DUNDILOOKUP DUNDIQUERY DUNDIRESULT CHANNEL_EXISTS DTMF_TRACE
  DTMF_FLASH SAYFILES AUDIOHOOK GEOLOC_PROFILE AEAP STIR_SHAKEN TONE_DETECT EXPORT AMD ACCOUNTCODE]],
  "this version of moonwire does not have what it asks for", "translate again when it has, or take it out")

-- Which argument of an application holds its options.
local option_argument = {
  dial = 3, retrydial = 6, voicemail = 2, voicemailmain = 2, read = 4, record = 4, playback = 2, background = 2, waitexten = 2,
  mixmonitor = 2, monitor = 3, queue = 2, authenticate = 2, privacymanager = 3, controlplayback = 7, confbridge = 4, page = 2,
}

local levels = { exact = "exact", approximate = "approximate", unavailable = "later" }

-- What the runtime says of itself counts more than these lists: what it does not
-- name is not there.
local runtime = require "asterisk"
do
  local function merge(kind, list, known_names, known)
    for _, entry in pairs(catalog[kind]) do
      if entry.status == "exact" then
        entry.status, entry.reason = "later", "this version of moonwire does not have it"
        entry.suggestion = "translate again when it does, or take it out"
      end
    end
    for _, name in ipairs(known_names) do
      local key, described = name:lower(), known(name)
      if not catalog[kind][key] then list[#list + 1] = name end
      local entry = catalog[kind][key] or {}
      catalog[kind][key] = entry
      local instead = entry.status == "gone" and entry.suggestion
      entry.status, entry.reason = levels[described.level], described.note or entry.reason
      entry.suggestion = described.level == "unavailable" and "translate again when it does, or take it out" or nil
      if described.gone then entry.gone, entry.instead = described.gone, instead or nil end
      entry.name = described.name
      if described.level == "approximate" and (described.note or ""):find("granted", 1, true) then
        entry.status, entry.granted = "exact", true -- it does all, as soon as its owner allows it
      end
      if described.options and option_argument[key] then
        entry.options = {
          letters = described.options .. (described.ignored or ""), partly = described.partly or {}, argument = option_argument[key],
        }
      end
    end
  end
  merge("applications", catalog.application_names, runtime.names "application", runtime.known)
  merge("functions", catalog.function_names, runtime.names "function", runtime.known_function)
end
table.sort(catalog.application_names)
table.sort(catalog.function_names)

local nearest = { applications = {}, functions = {} }

-- The entry of a name, nil and the name that was probably meant where there is
-- none.
local function find(kind, names, name)
  local entry = catalog[kind][name:lower()]
  if entry then return entry end
  if nearest[kind][name] == nil then nearest[kind][name] = text.nearest(name, names) or false end
  return nil, nearest[kind][name] or nil
end

function catalog.application(name) return find("applications", catalog.application_names, name) end
function catalog.func(name) return find("functions", catalog.function_names, name) end

return catalog
