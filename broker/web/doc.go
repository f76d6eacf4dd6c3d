// Package web is the broker's edge: the JSON API under /v1 as
// docs/openapi.yaml describes it, problem documents, tokens, rate limits,
// the request log, metrics and health, and the servers they run in.
//
// gin stays inside this package, and no *gin.Context leaves its handler.
// Every path goes through one adapter that reads the request strictly, makes
// exactly one call of the broker and lets the finished bytes go as
// [Answer.Deliver] allows. Roles are the broker's to check: here a wrong role
// only hides what was wrong with the rest of the request.
package web
