package tlog

// SkipTiles removes the comparison of hash tiles with the leaves.
func (o ExportOptions) SkipTiles() ExportOptions { o.sabotage.skipTiles = true; return o }

// SkipOpened removes the check of opened entries.
func (o ExportOptions) SkipOpened() ExportOptions { o.sabotage.skipOpened = true; return o }

// SkipPaths removes the check of the set of files.
func (o ExportOptions) SkipPaths() ExportOptions { o.sabotage.skipPaths = true; return o }
