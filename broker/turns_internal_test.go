package broker

import (
	"context"
	"testing"
	"testing/synctest"
)

func TestATurnIsWaitedForAndGivenBackOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := make(turns, 2)
		var back []func()
		for range cap(all) {
			giveBack, err := all.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, giveBack)
		}
		taken := make(chan func())
		for range 2 {
			go func() {
				giveBack, err := all.take(t.Context())
				if err != nil {
					t.Error(err)
				}
				taken <- giveBack
			}()
		}
		synctest.Wait()
		back[0]()
		back[0]() // the same turn
		third := <-taken
		synctest.Wait()
		select {
		case <-taken:
			t.Error("one turn was given back and two were taken")
		default:
		}
		third()
		(<-taken)()
		back[1]()
		if len(all) != 0 {
			t.Errorf("%d turns are lost", len(all))
		}
	})
}

func TestWhoLeavesWhileWaitingForATurnTakesNone(t *testing.T) {
	t.Parallel()
	all := make(turns, 1)
	giveBack, err := all.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := all.take(gone); err == nil {
		t.Error("a turn was given that was taken")
	}
	giveBack()
	if len(all) != 0 {
		t.Error("the turn of somebody who had left is lost")
	}
}
