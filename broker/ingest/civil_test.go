package ingest

import "github.com/hallpass-edu/hallpass/broker/civil"

func civilText(days int32) string { return civil.Date(days).String() }
