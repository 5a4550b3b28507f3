-- Applications whose engine this server does not have yet. They are known, so
-- that the translator can say what of a dialplan waits for them.

local registry = require "asterisk.registry"

local unavailable = registry.unavailable

unavailable("application", "queues", "AddQueueMember RemoveQueueMember PauseQueueMember UnpauseQueueMember QueueLog AgentLogin AgentRequest AgentCallbackLogin AgentMonitorOutgoing")
unavailable("application", "queues", "Queue", "QUEUESTATUS")
unavailable("application", "conferences", "ConfBridge ConfKick MeetMe MeetMeAdmin MeetMeCount MeetMeChannelAdmin Konference")
unavailable("application", "parking", "Park ParkedCall ParkAndAnnounce")
unavailable("application", "paging", "Page")
unavailable("application", "listening in on calls", "ChanSpy AgentBarge ExtenSpy ZapBarge DAHDIBarge ZapScan DAHDIScan")
unavailable("application", "call pickup", "Pickup PickupChan")
unavailable("application", "recording of both parties", "MixMonitor StopMixMonitor Monitor StopMonitor ChangeMonitor PauseMonitor UnpauseMonitor")
unavailable("application", "fax", "SendFAX ReceiveFAX RxFAX TxFAX NVFaxDetect")
unavailable("application", "small mailboxes", "MiniVM")
unavailable("application", "a directory of names", "Directory")
unavailable("application", "playing messages by their identifiers", "VoiceMailPlayMsg")
unavailable("application", "a manager that leads AGI", "AsyncAGI", "AGISTATUS")
unavailable("application", "follow me", "FollowMe")
unavailable("application", "messages", "MessageSend SendText SendURL SendImage JabberSend JabberStatus SMS")
unavailable("application", "detection of voices and silence", "AMD WaitForSilence WaitForNoise BackgroundDetect")
unavailable("application", "speech recognition", "SpeechBackground SpeechCreate SpeechActivateGrammar SpeechStart SpeechLoadGrammar SpeechDestroy SpeechUnloadGrammar SpeechDeactivateGrammar SpeechProcessingSound")
unavailable("application", "speech synthesis", "Festival Flite Espeak Swift")
unavailable("application", "ARI", "Stasis")
unavailable("application", "headers of outgoing SIP messages set one by one", "SIPDtmfMode SIPSendCustomINFO")
unavailable("application", "dialling through on a line", "DISA")
unavailable("application", "databases of other makers", "MYSQL Realtime RealTimeUpdate CBMysql")
unavailable("application", "audio over TCP", "AudioSocket ExternalIVR ICES NBScat JACK")
unavailable("application", "radio repeaters", "Rpt")
unavailable("application", "alarm receiving", "AlarmReceiver")
