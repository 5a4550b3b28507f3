package sip

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate makes a certificate of our own for 127.0.0.1.
func writeCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "moonwire"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600)
	return certificate, key
}

func TestTLS(t *testing.T) {
	c := Config{Listen: []string{"tls:127.0.0.1:0"}}
	c.Certificate, c.Key = writeCertificate(t)
	e := listen(t, c)
	conn, err := tls.Dial("tcp", e.at("tls"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w := &wire{t: t, conn: conn, reader: bufio.NewReader(conn)}
	w.send(strings.Replace(w.message("OPTIONS", "sips:127.0.0.1", "", "", 1, "", "t"), "SIP/2.0/TCP", "SIP/2.0/TLS", 1))
	if m := w.receive(); !strings.HasPrefix(m, "SIP/2.0 200") {
		t.Errorf("got %q", m)
	}
}

func TestTLSNeedsACertificate(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Apply(Config{Listen: []string{"tls:127.0.0.1:0"}})
	if err := e.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error is %v", err)
	}
	if err := e.Apply(Config{Certificate: "x"}); err == nil {
		t.Error("a certificate without a key is accepted")
	}
}
