# Prints every key and value of a hive as hivex sees it, for comparison.
use Win::Hivex;
binmode(STDOUT, ":utf8");
my $h = Win::Hivex->open($ARGV[0]) or die;
sub walk {
    my ($n, $p) = @_;
    print "$p\n";
    for my $v ($h->node_values($n)) {
        my ($t, $d) = $h->value_value($v);
        my $k = $h->value_key($v);
        print "$p\t$k\t$t\t", unpack("H*", $d), "\n";
    }
    walk($_, $p . "\\" . $h->node_name($_)) for $h->node_children($n);
}
walk($h->root(), "");
