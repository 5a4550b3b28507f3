-- Functions whose engine this server does not have yet.

local unavailable = require("asterisk.registry").unavailable

unavailable("function", "messages", "MESSAGE MESSAGE_DATA")
unavailable("function", "fax", "FAXOPT")
unavailable("function", "conferences", "CONFBRIDGE CONFBRIDGE_INFO MEETME_INFO")
unavailable("function", "queues", "QUEUE_MEMBER QUEUE_MEMBER_COUNT QUEUE_MEMBER_LIST QUEUE_MEMBER_PENALTY QUEUE_VARIABLES QUEUE_WAITING_COUNT QUEUE_EXISTS AGENT")
unavailable("function", "small mailboxes", "MINIVMACCOUNT MINIVMCOUNTER")
unavailable("function", "speech recognition", "SPEECH SPEECH_TEXT SPEECH_SCORE SPEECH_GRAMMAR SPEECH_ENGINE SPEECH_RESULTS_TYPE")
unavailable("function", "look-ups of ENUM and DUNDi", "ENUMLOOKUP ENUMQUERY ENUMRESULT TXTCIDNAME DUNDILOOKUP DUNDIQUERY DUNDIRESULT")
unavailable("function", "call completion", "CALLCOMPLETION")
unavailable("function", "calendars", "CALENDAR_BUSY CALENDAR_EVENT CALENDAR_QUERY CALENDAR_QUERY_RESULT CALENDAR_WRITE")
unavailable("function", "databases of other makers", "ODBC ODBC_FETCH SQL_ESC REALTIME REALTIME_FIELD REALTIME_STORE REALTIME_DESTROY REALTIME_HASH LDAP_SEARCH")
unavailable("function", "other channels", "CHANNELS IAXPEER")
