package web

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// newDisk is the gauge of a full disk.
func newDisk(h health) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hallpass_disk_full",
		Help: "1 while the disk is full and only withdrawals are accepted, else 0.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
		defer cancel()
		if h.Room(ctx) != nil {
			return 1
		}
		return 0
	})
}
