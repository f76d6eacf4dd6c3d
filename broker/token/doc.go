// Package token issues and verifies the bearer tokens of the service: JSON Web
// Tokens (RFC 7519) signed with Ed25519 (RFC 8037), over
// github.com/golang-jwt/jwt/v5, with everything optional made required.
//
// A key says which algorithm it is for; a token only says which key. Claims
// come back only with a nil error. Whether the person may still act (a revoked
// token id, a raised epoch, a banned partner) is decided in the store's
// snapshot of the request, from [Claims.ID] and [Claims.Epoch], not here.
package token
