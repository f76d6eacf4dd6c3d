package broker_test
import ("testing";"time";"github.com/hallpass-edu/hallpass/broker")
func TestZZ(t *testing.T){
	t0:=time.Now()
	d:=newMade(t,inSpring)
	kids:=makeKids(60)
	d.loadMade(kids)
	t.Log("load",time.Since(t0))
	d.partnerWith("river",map[string][]kid{"a1":kids[:12],"a2":kids[4:16]})
	d.partnerWith("lake",map[string][]kid{"b1":kids[2:14]})
	t.Log("partners",time.Since(t0))
	for _,k:=range kids[:6]{ d.enter(d.yes("a1",k)) }
	d.closePeriod(madeAutumn)
	t.Log("closed",time.Since(t0))
	t.Logf("%+v",d.students("a1","river"))
	a:=d.must(d.Comparison(t.Context(),partnerOf("river"),broker.ComparisonRequest{Agreement:"a1"}))
	t.Logf("%.3000s",a.Body()); a.Drop()
	t0=time.Now()
	for range 200 { d.students("a1","river") }
	t.Log("200 cached reads",time.Since(t0))
	t0=time.Now()
	for range 100 { g:=d.enter(d.yes("a1",kids[6])); d.withdraw(g.ID,kids[6]) }
	t.Log("100 grant+withdraw",time.Since(t0))
	t0=time.Now()
	g:=d.enter(d.yes("a1",kids[6])); 
	t.Logf("%+v",g)
	d.students("a1","river")
	t.Log("read with 100 grants",time.Since(t0))
}
