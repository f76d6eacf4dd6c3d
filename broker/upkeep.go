package broker

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// upkeep is what a district sees to once a second, whether anybody asks it or not.
type upkeep struct {
	stop  chan struct{}
	ended sync.WaitGroup
	told  map[string]string // trouble that was told and still lasts
}

func (b *Broker) beginUpkeep() {
	u := &upkeep{stop: make(chan struct{}), told: map[string]string{}}
	b.upkeep = u
	u.ended.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				b.keepUp()
			case <-u.stop:
				return
			}
		}
	})
}

// keepUp remembers how far the log is signed, and takes the disk's reserve back
// after it was full, and the withdrawal journal whole.
func (b *Broker) keepUp() {
	b.tell("last-signed", b.checkpoints.save())
	b.tell("disk", b.Room(context.Background()))
	b.tell("withdrawal-journal", b.journal.ship(context.Background()))
	if b.shut.Load() {
		b.tell("restored", errShut)
	} else {
		b.tell("restored", nil)
	}
}

// tell alarms the operator when a trouble begins or becomes another, and says when
// it has passed.
func (b *Broker) tell(what string, err error) {
	told := b.upkeep.told
	switch {
	case err == nil && told[what] != "":
		delete(told, what)
		b.log.Info("alarm has passed", slog.String("what", what))
	case err != nil && told[what] != err.Error():
		told[what] = err.Error()
		b.alarm(what, err)
	}
}

// end stops the upkeep after what it is doing.
func (u *upkeep) end() {
	close(u.stop)
	u.ended.Wait()
}
