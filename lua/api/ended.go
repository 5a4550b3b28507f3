package api

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/records"
)

// Record is what is kept of a call that ended.
type Record struct {
	records.Record
	Vars map[string]string // call.vars, as text
}

// memo is what a call remembers for its record while it goes on.
type memo struct {
	rang    time.Time
	target  string // that was dialled last, or that answered
	dialled int    // targets
	far     *Call  // that answered last
	app     string // what the script did last
	data    string // with what
	foreign bool   // steps are told by a library that brings its own language
}

func (c *Call) record() Record {
	info := c.leg.Info()
	r := Record{Vars: textsOf(c.vars, longestNote), Record: records.Record{
		Unique: records.UniqueOf(c.began, c.id), ID: c.id, Caller: c.caller.Number, Name: c.caller.Name, Extension: c.extension,
		Context: c.context, Peer: info.Peer, Target: c.memo.target, Peers: c.memo.dialled, LastApp: c.memo.app, Data: c.memo.data,
		Began: c.began, Rang: c.memo.rang, Answered: c.answered, Ended: c.task.clock.Now(),
		HungUpBy: "us", How: c.how, Version: c.task.version.Number(),
		Media: mediaOf(info), Fields: textsOf(c.fields, longestField),
	}}
	if far := c.memo.far; far != nil {
		m := mediaOf(far.leg.Info())
		r.Party, r.Far = far.id, &m
	}
	if c.ended != nil {
		r.Cause, r.CauseCode = c.ended.Cause.String(), int(c.ended.Cause)
		if !c.ended.ByUs {
			r.HungUpBy = "caller"
		}
	}
	r.Status = c.status()
	return r
}

// status is how the call came out.
func (c *Call) status() records.Status {
	switch {
	case !c.answered.IsZero():
		return records.Answered
	case c.how == "error", c.ended == nil:
		return records.Failed
	case !c.ended.ByUs:
		return records.NoAnswer // the caller gave up
	}
	return records.Status(dialWords[c.ended.Cause.DialStatus()])
}

// mediaOf is how the sound of a leg fared.
func mediaOf(info call.Info) records.Media {
	q := info.Quality
	m := records.Media{
		Received: q.Received, Sent: q.Sent, Lost: q.Lost, FarLost: q.FarLost,
		Jitter: inMilliseconds(q.Jitter), FarJitter: inMilliseconds(q.FarJitter), RoundTrip: inMilliseconds(q.RoundTrip),
	}
	if q.Received+q.Sent == 0 && info.Format == (call.Format{}) {
		return m
	}
	m.Codec = info.Format.Codec.Alias()
	if q.Received > 0 {
		m.MOS = records.MOS(m.Codec, int64(q.Received)+max(q.Lost, 0), q.Lost, q.Jitter, q.RoundTrip)
	}
	if told := q.RoundTrip > 0 || q.FarJitter > 0 || q.FarLost != 0; told {
		m.FarMOS = records.MOS(m.Codec, int64(q.Sent), q.FarLost, q.FarJitter, q.RoundTrip)
	}
	return m
}

func inMilliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

const longestField = 1000 // of call.fields, in bytes

// textsOf are the plain values in a table of the script's, as text. Tables are
// left out.
func textsOf(t *lua.LTable, longest int) map[string]string {
	if t == nil {
		return nil
	}
	list := map[string]string{}
	t.ForEach(func(k, v lua.LValue) {
		switch v.(type) {
		case lua.LString, lua.LNumber, lua.LBool:
			list[k.String()] = cut(v.String(), longest)
		}
	})
	return list
}

// table is the record as hooks see it.
func (r Record) table(L *lua.LState) lua.LValue {
	caller := L.CreateTable(0, 2)
	caller.RawSetString("number", lua.LString(r.Caller))
	caller.RawSetString("name", lua.LString(r.Name))
	fields := L.CreateTable(0, len(r.Fields))
	for name, value := range r.Fields {
		fields.RawSetString(name, lua.LString(value))
	}
	t := L.CreateTable(0, 24)
	for name, v := range map[string]any{
		"id": r.ID, "unique": r.Unique, "caller": caller, "extension": r.Extension, "context": r.Context, "peer": r.Peer,
		"began": fromTime(r.Began), "ended": fromTime(r.Ended), "answered": !r.Answered.IsZero(), "duration": r.Duration(), "talk_time": r.Talk(),
		"status": string(r.Status), "cause": r.Cause, "cause_code": r.CauseCode, "hung_up_by": r.HungUpBy, "how": r.How, "version": r.Version,
		"target": r.Target, "codec": r.Media.Codec, "mos": r.Media.MOS, "lost": int(r.Media.Lost), "jitter": r.Media.Jitter / 1000, "fields": fields,
	} {
		t.RawSetString(name, toLua(L, v))
	}
	return t
}

// remember notes what the script does, for the record of the call.
func (a *Args) remember() {
	t := a.task()
	if t == nil || t.call == nil || t.call.memo.foreign || t.call.ended != nil || a.entry.On != "call" {
		return
	}
	m := &t.call.memo
	m.app, m.data = a.entry.Name, ""
	if s, ok := a.L.Get(a.base).(lua.LString); ok {
		m.data = cut(string(s), longestArgs)
	}
}

// refusedRecord is what is kept of a call that no script served.
func (api *API) refusedRecord(info *call.Info, s call.Hangup, version int) Record {
	now := api.services.Clock.Now()
	return Record{Record: records.Record{
		Unique: records.UniqueOf(now, info.ID), ID: info.ID, Caller: info.Caller.Number, Name: info.Caller.Name,
		Extension: info.Extension, Context: info.Context, Peer: info.Peer, Began: now, Ended: now, Status: records.Refused,
		Cause: s.Cause.String(), CauseCode: int(s.Cause), HungUpBy: "us", Version: version,
	}}
}
