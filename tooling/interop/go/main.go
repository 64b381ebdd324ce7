// Connects to the emulator with Google's own connector for Go, in every way that it offers, and fails where one does not
// work. Where the emulator is comes from the environment that run.ts sets.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/alloydbconn"
	"cloud.google.com/go/alloydbconn/driver/postgres"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

const loginScope = "https://www.googleapis.com/auth/alloydb.login"

var (
	endpoint = "http://" + os.Getenv("ALLOYDB_EMULATOR_HOST")
	instance = os.Getenv("ALLOYDB_INSTANCE")
	iamUser  = os.Getenv("ALLOYDB_IAM_USER")
)

// connects is one way to ask the database who one is.
type connects func(ctx context.Context, user, password string, options []alloydbconn.Option) (string, error)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	drivers := map[string]connects{"pgx": askByPgx, "database/sql": askBySQL}
	addresses := map[string]alloydbconn.DialOption{
		"private IP": alloydbconn.WithPrivateIP(),
		"public IP":  alloydbconn.WithPublicIP(),
		"PSC":        alloydbconn.WithPSC(),
	}
	refreshes := map[string][]alloydbconn.Option{"background": nil, "lazy": {alloydbconn.WithLazyRefresh()}}
	logins := map[string]bool{"password": false, "IAM": true}

	for driver, ask := range drivers {
		for address, dialOption := range addresses {
			for refresh, options := range refreshes {
				for login, iam := range logins {
					options := append([]alloydbconn.Option{alloydbconn.WithDefaultDialOptions(dialOption)}, options...)
					user, password := "postgres", "postgres"
					if iam {
						options = append(options, alloydbconn.WithIAMAuthN())
						user, password = iamUser, ""
					}
					expect(ask, ctx, user, password, options, strings.Join([]string{driver, address, refresh, login}, ", "))
				}
			}
		}
	}

	tokens := tokenSource(ctx, "https://www.googleapis.com/auth/cloud-platform")
	loginTokens := tokenSource(ctx, loginScope)
	expect(askByPgx, ctx, iamUser, "", []alloydbconn.Option{
		alloydbconn.WithIAMAuthN(),
		alloydbconn.WithTokenSource(tokens),
		alloydbconn.WithIAMAuthNTokenSource(loginTokens),
	}, "token sources of one's own")

	token, err := loginTokens.Token()
	check(err)
	withoutExchange := []alloydbconn.Option{alloydbconn.WithOptOutOfAdvancedConnectionCheck()}
	expect(askByPgx, ctx, "postgres", "postgres", withoutExchange, "no metadata exchange, password")
	expect(askByPgx, ctx, iamUser, token.AccessToken, withoutExchange, "no metadata exchange, token as password")
	expect(askByPgx, ctx, iamUser, token.AccessToken, nil, "token as password")

	_, err = askByPgx(ctx, "postgres", "wrong", nil)
	expectFailure(err, "28P01")
	_, err = askByPgx(ctx, iamUser, "wrong", nil)
	expectFailure(err, "28000")
	instance += "-that-is-not-there"
	_, err = askByPgx(ctx, "postgres", "postgres", nil)
	expectFailure(err, "404")
}

func askByPgx(ctx context.Context, user, password string, options []alloydbconn.Option) (string, error) {
	dialer, err := alloydbconn.NewDialer(ctx, withEndpoint(options)...)
	if err != nil {
		return "", err
	}
	defer dialer.Close()
	config, err := pgxpool.ParseConfig(dsn("127.0.0.1", user, password))
	if err != nil {
		return "", err
	}
	config.ConnConfig.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.Dial(ctx, instance)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	var who string
	return who, pool.QueryRow(ctx, "select current_user").Scan(&who)
}

var registered int

func askBySQL(ctx context.Context, user, password string, options []alloydbconn.Option) (string, error) {
	registered++
	name := fmt.Sprint("alloydb-", registered)
	cleanUp, err := postgres.RegisterDriver(name, withEndpoint(options)...)
	if err != nil {
		return "", err
	}
	defer cleanUp()
	db, err := sql.Open(name, dsn(instance, user, password))
	if err != nil {
		return "", err
	}
	defer db.Close()
	var who string
	return who, db.QueryRowContext(ctx, "select current_user").Scan(&who)
}

// withEndpoint leads a dialer to the emulator. Its telemetry would go to Google.
func withEndpoint(options []alloydbconn.Option) []alloydbconn.Option {
	return append(
		[]alloydbconn.Option{alloydbconn.WithAdminAPIEndpoint(endpoint), alloydbconn.WithOptOutOfBuiltInTelemetry()},
		options...,
	)
}

func dsn(host, user, password string) string {
	text := fmt.Sprintf("host=%s user=%s dbname=postgres sslmode=disable", host, user)
	if password != "" {
		text += " password=" + password
	}
	return text
}

func tokenSource(ctx context.Context, scope string) oauth2.TokenSource {
	credentials, err := google.FindDefaultCredentials(ctx, scope)
	check(err)
	return credentials.TokenSource
}

func expect(ask connects, ctx context.Context, user, password string, options []alloydbconn.Option, name string) {
	who, err := ask(ctx, user, password, options)
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	if who != user {
		log.Fatalf("%s: is %q, not %q", name, who, user)
	}
	fmt.Println("connected:", name)
}

func expectFailure(err error, part string) {
	if err == nil || !strings.Contains(err.Error(), part) {
		log.Fatalf("expected a failure with %q, got: %v", part, err)
	}
	fmt.Println("refused, as expected:", part)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
