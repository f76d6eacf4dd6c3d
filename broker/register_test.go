package broker_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent"
)

// The consent register is linearizable: whatever families, officers and a partner do
// at once, there is one order of it, in keeping with who was acknowledged before whom,
// in which every answer held exactly the children whose families' newest words open
// them (Herlihy and Wing, TOPLAS 12(3), 1990).

// registerOp is what was done about one child.
type registerOp struct {
	kind   registerKind
	child  int
	person int   // of a word
	at     int64 // of a word: milliseconds of the district's clock
	yes    bool  // of a word
}

type registerKind int

const (
	says registerKind = iota
	reads
)

// word is a person's newest.
type word struct {
	at       int64
	said, no bool
}

// registerState is the newest word of both parents of a child.
type registerState [2]word

func (s registerState) after(op registerOp) registerState {
	w := word{op.at, true, !op.yes}
	if now := s[op.person]; !now.said || w.at > now.at || w.at == now.at && w.no {
		s[op.person] = w
	}
	return s
}

func (s registerState) open() bool {
	yes := false
	for _, w := range s {
		if w.said && w.no {
			return false
		}
		yes = yes || w.said
	}
	return yes
}

// consentRegister is the model: each child by itself.
var consentRegister = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byChild := map[int][]porcupine.Operation{}
		for _, op := range history {
			child := op.Input.(registerOp).child
			byChild[child] = append(byChild[child], op)
		}
		var all [][]porcupine.Operation
		for _, ops := range byChild {
			all = append(all, ops)
		}
		return all
	},
	Init: func() any { return registerState{} },
	Step: func(state, input, output any) (bool, any) {
		s, op := state.(registerState), input.(registerOp)
		if op.kind == says {
			return true, s.after(op)
		}
		return output.(bool) == s.open(), s
	},
}

// registerRun is one history: people at work on a few children of one agreement.
type registerRun struct {
	d     *made
	kids  []kid
	start time.Time

	mu      sync.Mutex
	grants  []registerGrant
	history []porcupine.Operation
}

// registerGrant is an answer that may be withdrawn.
type registerGrant struct {
	id            string
	child, person int
}

// tick moves the district's clock on and returns what it shows then.
func (r *registerRun) tick() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.d.clock.Set(r.d.clock.Now().Add(time.Millisecond))
	return r.d.clock.Now()
}

func (r *registerRun) note(client int, call time.Duration, op registerOp, open bool) {
	done := time.Since(r.start)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{ClientId: client, Input: op, Call: int64(call), Output: open, Return: int64(done)})
}

func (r *registerRun) parent(child, person int) string {
	if person == 0 {
		return r.kids[child].mother()
	}
	return r.kids[child].father()
}

// say enters a parent's answer.
func (r *registerRun) say(t *testing.T, client int, draw *rand.Rand) {
	child, person := draw.IntN(len(r.kids)), draw.IntN(2)
	req := r.d.yes("a1", r.kids[child])
	req.Signer.GuardianID = r.parent(child, person)
	if draw.IntN(3) == 0 {
		req.Answer = consent.No
	}
	call := time.Since(r.start)
	req.SignedAt = r.tick()
	a, err := r.d.CreateConsent(t.Context(), officer, req)
	if err != nil {
		t.Error(err)
		return
	}
	defer a.Drop()
	yes := req.Answer == consent.Yes
	r.note(client, call, registerOp{says, child, person, req.SignedAt.UnixMilli(), yes}, false)
	if yes {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.grants = append(r.grants, registerGrant{data[grant](t, a).ID, child, person})
	}
}

// withdraw ends one of the answers.
func (r *registerRun) withdraw(t *testing.T, client int, draw *rand.Rand) {
	r.mu.Lock()
	if len(r.grants) == 0 {
		r.mu.Unlock()
		return
	}
	i := draw.IntN(len(r.grants))
	g := r.grants[i]
	r.grants = slices.Delete(r.grants, i, i+1)
	r.mu.Unlock()
	call := time.Since(r.start)
	r.tick()
	a, err := r.d.WithdrawConsent(t.Context(), officer, g.id, broker.WithdrawRequest{By: byGuardian(r.parent(g.child, g.person))})
	if err != nil {
		t.Error(err)
		return
	}
	defer a.Drop()
	at := data[struct {
		Withdrawn time.Time `json:"withdrawn_at"`
	}](t, a).Withdrawn
	r.note(client, call, registerOp{says, g.child, g.person, at.UnixMilli(), false}, false)
}

// read asks for the rows and lets them leave. An answer that was cut told nothing.
func (r *registerRun) read(t *testing.T, client int) {
	call := time.Since(r.start)
	a, err := r.d.ask(t.Context(), "a1")
	if err != nil {
		if broker.KindOf(err) != broker.Unavailable { // consents moved three times
			t.Error(err)
		}
		return
	}
	var sent []byte
	err = a.Deliver(func(body ...[]byte) error { sent = bytes.Join(body, nil); return nil }, func() {})
	if errors.Is(err, broker.ErrCut) {
		return
	}
	body, err := member[studentsBody](sent)
	if err != nil {
		t.Error(err)
		return
	}
	refs := body.refs()
	for child, k := range r.kids {
		r.note(client, call, registerOp{kind: reads, child: child}, slices.Contains(refs, k.ref()))
	}
}

// registerHistory lets six people do twenty things each.
func registerHistory(t *testing.T, d *made, kids []kid, seed uint64) []porcupine.Operation {
	t.Helper()
	const people, things = 6, 20
	r := &registerRun{d: d, kids: kids, start: time.Now()}
	var all sync.WaitGroup
	for client := range people {
		all.Go(func() {
			draw := rand.New(rand.NewPCG(seed, uint64(client)))
			for range things {
				switch draw.IntN(4) {
				case 0:
					r.say(t, client, draw)
				case 1:
					r.withdraw(t, client, draw)
				default:
					r.read(t, client)
				}
			}
		})
	}
	all.Wait()
	return r.history
}

// registerKids is how many children a history is about.
const registerKids = 3

// register is a district in which nobody was asked yet.
func register(t *testing.T, kids []kid, options ...func(*broker.Options)) *made {
	t.Helper()
	d := newMade(t, inSpring, options...)
	d.loadMade(kids)
	d.partnerWith("river", map[string][]kid{"a1": kids})
	d.clock.Set(inSpring.Add(time.Hour))
	return d
}

// TestHarnessRegister checks histories for linearizability, some of each district.
func TestHarnessRegister(t *testing.T) {
	t.Parallel()
	const each = 8
	histories := harnessCount(t, "REGISTER_HISTORIES", 16)
	checked, operations := 0, 0
	for seed := uint64(1); checked < histories; seed++ {
		kids := makeKids(each * registerKids)
		d := register(t, kids)
		for own := range slices.Chunk(kids, registerKids) {
			history := registerHistory(t, d, own, seed<<8|uint64(checked))
			if !porcupine.CheckOperations(consentRegister, history) {
				t.Fatalf("history %d of district %d is not linearizable: %v", checked, seed, history)
			}
			checked++
			operations += len(history)
		}
	}
	t.Logf("harness register_histories: %d histories of %d operations, each linearizable", checked, operations)
}

func TestTheRegisterSeesThatChangesAreNotLookedAt(t *testing.T) {
	t.Parallel()
	kids := makeKids(10 * registerKids)
	d := register(t, kids, sabotaged(broker.Sabotage{OldStamp: true}))
	seed := uint64(1)
	for own := range slices.Chunk(kids, registerKids) {
		if !porcupine.CheckOperations(consentRegister, registerHistory(t, d, own, seed)) {
			return
		}
		seed++
	}
	t.Error("ten histories look linearizable though changes are not looked at")
}
